// Two functions of the C library that glibc declares only for _GNU_SOURCE, which Swift's module map does not set.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@_silgen_name("pthread_getattr_np")
func threadAttributes(_ thread: pthread_t, _ attributes: UnsafeMutablePointer<pthread_attr_t>) -> Int32

@_silgen_name("memmem")
func findBytes(
  _ hay: UnsafeRawPointer, _ hayCount: Int, _ needle: UnsafeRawPointer, _ needleCount: Int
) -> UnsafeMutableRawPointer?
