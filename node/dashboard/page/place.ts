/** Where this page was served, as its server wrote it into the page. */

const { port, operator } = document.documentElement.dataset

/** Whether this is the operator port: its calls need a token, and one may decide here. */
export const isOperatorPort: boolean = port === 'operator'

/** The page at the operator port, if the public one was told where that is; ends with `/dashboard/`. */
export const operatorPage: string | null = operator ?? null
