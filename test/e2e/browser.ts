/** A real browser for the tests of the dashboard: the system's Chromium, on a page that may talk to nobody else. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

const NAMES = ['chromium-headless-shell', 'chromium', 'google-chrome']

/** Path of a Chromium, or null: there is none here. */
export function findChromium(): string | null {
  const paths = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return (
    paths.find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    }) ?? null
  )
}

export interface Watched {
  readonly page: Page
  /** What the page complained of, and whom it asked beside its own server. */
  readonly complaints: string[]
}

export async function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] })
}

export async function openPage(browser: Browser, url: string, width: number): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width, height: 900 } })
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => {
    complaints.push(error.message)
  })
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol !== 'data:' && host !== new URL(url).host) complaints.push(`asked ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints }
}
