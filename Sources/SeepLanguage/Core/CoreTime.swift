// The clock: dates, waiting, and how long something took.
import Ground

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum CoreTime {
  static func clock(_ id: clockid_t) -> Double {
    var now = timespec()
    clock_gettime(id, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }

  static var builtins: [Builtin] {
    [
      Builtin(
        "now()", group: "system",
        "Seconds since the beginning of 1970 in UTC. To measure, take differences of `time()`.",
        example: "print(now() > 1.7e9)  # expect: true"
      ) { _ in Value(clock(CLOCK_REALTIME)) },
      Builtin(
        "sleep(seconds)", group: "system", "Waits; Ctrl-C ends it.",
        example: "let start = time()\nsleep(0.01)\nprint(time() - start >= 0.01)  # expect: true"
      ) { call in
        let end = clock(CLOCK_MONOTONIC) + (try call.double("seconds", in: 0...1e9))
        while true {
          try call.session.checkInterrupt()
          let left = end - clock(CLOCK_MONOTONIC)
          if left <= 0 { return .none }
          usleep(UInt32(min(left, 0.02) * 1e6) + 1)
        }
      },
      Builtin(
        "timed(f)", group: "system", "`(result, seconds)` of `f()`.",
        example: "let (value, seconds) = timed(() => 1 + 1)\nprint(value, seconds >= 0)  # expect: 2 true"
      ) { call in
        let start = clock(CLOCK_MONOTONIC)
        let result = try call.invoke(call.function("f"))
        return Value(tuple: [result, Value(clock(CLOCK_MONOTONIC) - start)])
      },
      Builtin(
        "format_time(seconds, pattern: \"%Y-%m-%d %H:%M:%S\", local: false)", group: "system",
        "A moment counted as `now()` does, in a pattern of `strftime`; in UTC unless `local` is true.",
        example: "print(format_time(0), format_time(86400, pattern: \"%d.%m.\"))  # expect: 1970-01-01 00:00:00 02.01."
      ) { call in
        var moment = time_t(try call.double("seconds", in: -6e10...2.5e11).rounded(.down))
        var parts = tm()
        if try call.bool("local") { localtime_r(&moment, &parts) } else { gmtime_r(&moment, &parts) }
        let pattern = try call.string("pattern")
        if pattern.isEmpty { return Value("") }
        var text = [CChar](repeating: 0, count: 512 + pattern.utf8.count * 8)
        let count = strftime(&text, text.count, pattern, &parts)
        if count == 0 { throw call.fault("bad-value", "this pattern gives no text", argument: "pattern") }
        return Value(String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
      },
      Builtin(
        "format_duration(seconds)", group: "system",
        "A span of time for people: `250 ms`, `2.5 s`, `3 min 5 s`, `2 h 10 min`.",
        example: "print(format_duration(0.25), format_duration(185))  # expect: 250 ms 3 min 5 s"
      ) { call in
        let seconds = try call.double("seconds")
        guard seconds.isFinite, seconds.magnitude < 1e15 else { return Value(Display.number(seconds) + " s") }
        let sign = seconds < 0 ? "-" : ""
        let size = seconds.magnitude
        let spec = try TextFormat(".3")
        func number(_ value: Double) -> String {
          let digits = value < 10 ? 100.0 : (value < 100 ? 10 : 1)
          var text = (try? spec.apply(Slot((value * digits).rounded() / digits))) ?? ""
          while text.contains("."), text.hasSuffix("0") || text.hasSuffix(".") {
            let wasPoint = text.hasSuffix(".")
            text.removeLast()
            if wasPoint { break }
          }
          return text
        }
        if size == 0 { return Value("0 s") }
        if size < 0.9995e-3 { return Value("\(sign)\(number(size * 1e6)) µs") }
        if size < 0.9995 { return Value("\(sign)\(number(size * 1e3)) ms") }
        if size < 59.95 { return Value("\(sign)\(number(size)) s") }
        let whole = Int(size.rounded())
        if whole < 3600 { return Value("\(sign)\(whole / 60) min \(whole % 60) s") }
        let minutes = Int((size / 60).rounded())
        return Value("\(sign)\(minutes / 60) h \(minutes % 60) min")
      },
    ]
  }
}
