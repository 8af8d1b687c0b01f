/** Completion for bash, from 4.0 on. */
import { armsOfCommands, armsOfValues, NAMES_FUNCTION, patternOfCommands } from './posix.ts'
import { quoted, type CompletionCommand, type ValueKind } from './tree.ts'

export function bashScript(tree: readonly CompletionCommand[]): string {
  return `# Completion of cordon for bash; made by: cordon completion bash
${NAMES_FUNCTION}

_cordon_reply() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_cordon() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at= next i
  COMPREPLY=()
  # Readline splits --flag=value at its "=".
  if [ "$cur" = = ]; then
    cur=
  elif [ "$prev" = = ]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    next=$at\${at:+/}\${COMP_WORDS[i]}
    case $next in
    ${patternOfCommands(tree)}) at=$next ;;
    esac
  done
  case $at:$prev in
${armsOfValues(tree, replyOf)}
  esac
  case $cur in
  -*)
    case $at in
${armsOfCommands(tree, ({ flags }) => `_cordon_reply ${words(flags.map(({ name }) => name))}`)}
    esac
    return
    ;;
  esac
  case $at in
${armsOfCommands(tree, ({ subcommands, argument }) =>
  subcommands.length > 0 ? `_cordon_reply ${words(subcommands.map(({ word }) => word))}` : replyOf(argument),
)}
  esac
}

complete -F _cordon cordon
`
}

function words(list: readonly string[]): string {
  return quoted(list.join(' '))
}

function replyOf(kind: ValueKind): string {
  if (kind === 'names') return '_cordon_reply "$(_cordon_names)"'
  if (kind === 'files') return 'compopt -o default'
  if (kind === 'directories') return 'compopt -o dirnames'
  return kind === 'other' ? ':' : `_cordon_reply ${words(kind)}`
}
