/** How the page's line to its node is: being made, there, or broken and about to be made again. */
export type LineState = 'connecting' | 'open' | 'lost'
