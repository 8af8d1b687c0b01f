/**
 * `GET /dashboard/`: the page, and nothing but the page. Its script may talk to this node only, and no other page may frame
 * it, so that what a payment's memo contains is text and stays text.
 */
import type { FastifyInstance } from 'fastify'
import { hostName, isLoopback } from '../rpc/origin.ts'
import { loadAssets } from './assets.ts'

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  // The files have no versions in their names.
  'cache-control': 'no-cache',
} as const

export const DASHBOARD_PATH = '/dashboard/'

/** Where a page is served: at the operator port, or at the public one, which may say where the other is. */
export type PagePlace = 'operator' | { readonly operatorUrl: () => string | null }

/** What the sources of the page have in the place of `data-…`. */
const ROOT = '<html lang="en">'

export function addDashboard(app: FastifyInstance, place: PagePlace): void {
  app.get('/dashboard', (_request, reply) => reply.redirect(DASHBOARD_PATH))
  app.get<{ Params: { '*': string } }>(`${DASHBOARD_PATH}*`, async (request, reply) => {
    const name = request.params['*'] === '' ? 'index.html' : request.params['*']
    const asset = (await loadAssets()).get(name)
    if (asset === undefined) return reply.callNotFound()
    const body =
      name === 'index.html' ? placed(asset.body.toString('utf8'), place, request.headers.host) : asset.body
    return reply.headers(HEADERS).type(asset.type).send(body)
  })
}

/** The page with what it has to know of its place. */
function placed(html: string, place: PagePlace, host: string | undefined): string {
  const root =
    place === 'operator'
      ? '<html lang="en" data-port="operator">'
      : rootOfPublic(host !== undefined && isLoopback(hostName(host)) ? place.operatorUrl() : null)
  return html.replace(ROOT, root)
}

/** An address of this machine says nothing to those on others. */
function rootOfPublic(operatorUrl: string | null): string {
  return operatorUrl === null ? ROOT : `<html lang="en" data-operator="${operatorUrl}${DASHBOARD_PATH}">`
}
