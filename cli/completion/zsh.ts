/** Completion for zsh. */
import { armsOfCommands, armsOfValues, NAMES_FUNCTION, patternOfCommands } from './posix.ts'
import { quoted, type CompletionCommand, type ValueKind } from './tree.ts'

export function zshScript(tree: readonly CompletionCommand[]): string {
  return `#compdef cordon
# Completion of cordon for zsh; made by: cordon completion zsh
${NAMES_FUNCTION}

_cordon() {
  local at= next prev=$words[CURRENT-1] i
  local -a found
  if [[ $words[CURRENT] == --*=* ]]; then
    prev=\${words[CURRENT]%%=*}
    compset -P '*='
  fi
  for ((i = 2; i < CURRENT; i++)); do
    next=$at\${at:+/}$words[i]
    case $next in
    (${patternOfCommands(tree)}) at=$next ;;
    esac
  done
  case $at:$prev in
${armsOfValues(tree, offerOf)}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    case $at in
${armsOfCommands(tree, ({ flags }) => `found=(${flags.map(({ name, about }) => quoted(`${name}:${about}`)).join(' ')})`)}
    esac
    _describe option found
    return
  fi
  case $at in
${armsOfCommands(tree, ({ subcommands, argument }) =>
  subcommands.length > 0
    ? `found=(${subcommands.map(({ word, about }) => quoted(`${word}:${about}`)).join(' ')}); _describe command found`
    : offerOf(argument),
)}
  esac
}

if [ "$funcstack[1]" = _cordon ]; then
  _cordon "$@"
else
  compdef _cordon cordon
fi
`
}

function offerOf(kind: ValueKind): string {
  if (kind === 'names') return 'compadd -- ${(f)"$(_cordon_names)"}'
  if (kind === 'files') return '_files'
  if (kind === 'directories') return '_files -/'
  return kind === 'other' ? ':' : `compadd -- ${kind.map(quoted).join(' ')}`
}
