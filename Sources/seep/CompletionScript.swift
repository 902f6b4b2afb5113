// Completion scripts: those that ArgumentParser makes of the declarations, and what it does not know: in the place of a command a script may
// stand, and what follows a script or `-e CODE` are files.
import ArgumentParser

enum CompletionScript {
  /// nil where the script that is extended has not the expected form.
  static func text(for shell: Completions.Shell) -> String? {
    switch shell {
    case .bash: return Seep.completionScript(for: .bash) + "\n" + bash
    case .zsh: return zsh(Seep.completionScript(for: .zsh))
    case .fish: return Seep.completionScript(for: .fish) + "\n" + fish
    }
  }

  private static var names: [String] { Seep.commandNames + ["help"] }

  private static var bash: String {
    """
    _seep_or_file() {
        local -i at=1
        while [[ "${at}" -lt "${COMP_CWORD}" ]]; do
            case "${COMP_WORDS[${at}]}" in
            -e)
                COMPREPLY=()
                [[ "${at}" -lt "$((COMP_CWORD - 1))" ]] && COMPREPLY=($(IFS=$'\\n'; compgen -f -- "${2}"))
                return
                ;;
            --seed|--color|--profile-out) at+=2 ;;
            -?*) at+=1 ;;
            *) break ;;
            esac
        done
        local script="${COMP_WORDS[${at}]-}"
        if [[ "${at}" -ge "${COMP_CWORD}" ]]; then
            _seep "${@}"
            [[ "${2}" != -* && "${at}" -eq "${COMP_CWORD}" ]] && COMPREPLY+=($(compgen -o plusdirs -fX '!*.seep' -- "${2}"))
        else
            case "${script}" in
            \(names.joined(separator: "|"))) _seep "${@}" ;;
            *) COMPREPLY=($(IFS=$'\\n'; compgen -f -- "${2}")) ;;
            esac
        fi
    }
    complete -o filenames -F _seep_or_file seep
    """
  }

  private static func zsh(_ script: String) -> String? {
    let describe = "_describe -V subcommand subcommands && ret=0"
    let chosen = #"case "${words[1]}" in"#
    guard let first = script.range(of: describe), let second = script.range(of: chosen),
      first.upperBound < second.lowerBound
    else { return nil }
    var text = script
    text.replaceSubrange(
      second,
      with: """
        case "${words[1]}" in
                \(names.joined(separator: "|"))) ;;
                *) _files && ret=0 ;;
                esac
                \(chosen)
        """)
    text.replaceSubrange(first, with: "\(describe)\n        _files -g '*.seep' && ret=0")
    return text
  }

  private static var fish: String {
    """
    complete -c seep -n '__seep_should_offer_completions_for_positional "seep" -eq 1' -ka '(__fish_complete_suffix .seep)'
    function _seep_has_script
        set -l words (commandline -opc)
        set -e words[1]
        while set -q words[1]
            switch $words[1]
                case -e
                    test (count $words) -ge 2
                    return
                case --seed --color --profile-out
                    set -e words[1]
                case '-?*'
                case \(names.joined(separator: " "))
                    return 1
                case '*'
                    return 0
            end
            set -e words[1]
        end
        return 1
    end
    complete -c seep -n _seep_has_script -F
    """
  }
}

extension String {
  /// The first place of `part`; Foundation would double the time to start.
  fileprivate func range(of part: String) -> Range<String.Index>? { firstRange(of: part) }
}
