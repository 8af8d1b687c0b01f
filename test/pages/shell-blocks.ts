/** What a page in Markdown tells people to type. */

const BLOCK = /^```sh\n(.*?)^```$/gms

/** The fenced shell blocks of a page, in order. */
export function shellBlocksOf(page: string): string[] {
  return [...page.matchAll(BLOCK)].map(([, block = '']) => block)
}

/** The lines of a shell block, comments among them; what goes on after a `\` is one line. */
export function commandsOf(block: string): string[] {
  return block
    .replaceAll(/\\\n\s*/g, '')
    .trim()
    .split('\n')
}
