/** The parts that bash and zsh share: which command is being typed, and the names of accounts. */
import { quoted, type CompletionCommand, type ValueKind } from './tree.ts'

/** Prints a name a line: keys of the keystore that a command would use, and contacts of the address book beside it. */
export const NAMES_FUNCTION: string = String.raw`_cordon_names() {
  local keys=$CORDON_KEYSTORE
  if [ -z "$keys" ]; then
    keys=.cordon/devnet/keystore
    [ -z "$CORDON_DIR" ] || keys=$CORDON_DIR/keystore
    [ -d "$keys" ] || keys=$HOME/.cordon/keystore
  fi
  find "$keys" -maxdepth 1 -name '*.json' 2>/dev/null | sed 's|.*/||; s|[.]json$||'
  sed -n 's/^ *"\([a-z0-9_-]*\)": *".*/\1/p' "$keys/../addressbook.json" 2>/dev/null
}`

/** One arm of a `case` for each command for which `bodyOf` gives something. */
export function armsOfCommands(
  tree: readonly CompletionCommand[],
  bodyOf: (command: CompletionCommand) => string | null,
): string {
  const arms = tree.flatMap((command) => {
    const body = bodyOf(command)
    return body === null ? [] : [`    ${quoted(command.name)}) ${body} ;;`]
  })
  return arms.join('\n')
}

/** Arms over `command:flag`, for what may stand behind that flag. */
export function armsOfValues(
  tree: readonly CompletionCommand[],
  bodyOf: (kind: ValueKind) => string,
): string {
  const arms = tree.flatMap(({ name, flags }) =>
    flags.flatMap((flag) =>
      flag.value === null ? [] : [{ pattern: quoted(`${name}:${flag.name}`), body: bodyOf(flag.value) }],
    ),
  )
  return [...Map.groupBy(arms, ({ body }) => body)]
    .map(([body, same]) => `    ${same.map(({ pattern }) => pattern).join('|')}) ${body}; return ;;`)
    .join('\n')
}

/** A pattern of all commands. */
export function patternOfCommands(tree: readonly CompletionCommand[]): string {
  return tree
    .filter(({ name }) => name !== '')
    .map(({ name }) => quoted(name))
    .join('|')
}
