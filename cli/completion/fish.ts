/** Completion for fish, from 3.4 on. */
import { quoted, type CompletionCommand, type ValueKind } from './tree.ts'

const FUNCTIONS = String.raw`function __cordon_names
    set -l keys $CORDON_KEYSTORE
    if test -z "$keys"
        set keys .cordon/devnet/keystore
        test -z "$CORDON_DIR"; or set keys $CORDON_DIR/keystore
        test -d "$keys"; or set keys $HOME/.cordon/keystore
    end
    find "$keys" -maxdepth 1 -name '*.json' 2>/dev/null | sed 's|.*/||; s|[.]json$||'
    sed -n 's/^ *"\([a-z0-9_-]*\)": *".*/\1/p' "$keys/../addressbook.json" 2>/dev/null
end

function __cordon_at
    set -l at ''
    for word in (commandline -opc)[2..]
        set -l next (string trim --left --chars / "$at/$word")
        contains -- $next $__cordon_commands; and set at $next
    end
    test "$at" = "$argv[1]"
end`

export function fishScript(tree: readonly CompletionCommand[]): string {
  const names = tree.flatMap(({ name }) => (name === '' ? [] : [quoted(name)]))
  return `# Completion of cordon for fish; made by: cordon completion fish
set -g __cordon_commands ${names.join(' ')}

${FUNCTIONS}

complete -c cordon -f
${tree.flatMap(linesOf).join('\n')}
`
}

function linesOf({ name, subcommands, flags, argument }: CompletionCommand): string[] {
  const here = `complete -c cordon -n ${quoted(`__cordon_at "${name}"`)}`
  return [
    ...subcommands.map(({ word, about }) => `${here} -a ${quoted(word)} -d ${quoted(about)}`),
    ...flags.map(({ name: flag, about, value }) => {
      const offer = value === null ? '' : ` -r ${offerOf(value)}`
      return `${here} -l ${flag.replace(/^--/, '')}${offer} -d ${quoted(about)}`
    }),
    ...(argument === 'other' || subcommands.length > 0 ? [] : [`${here} ${offerOf(argument)}`]),
  ]
}

function offerOf(kind: ValueKind): string {
  if (kind === 'names') return `-f -a '(__cordon_names)'`
  if (kind === 'files') return '-F'
  if (kind === 'directories') return `-f -a '(__fish_complete_directories)'`
  return kind === 'other' ? '-f' : `-f -a ${quoted(kind.join(' '))}`
}
