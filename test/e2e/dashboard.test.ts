/** The dashboard in a real browser, on a real network: from an attack to its hold, its reasons, the votes that end it, and its proof. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AxeResults } from 'axe-core'
import type { Browser, Page, Route } from 'playwright-core'
import { findChromium, launch, openPage } from './browser.ts'
import { cordon, Devnet } from './harness.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PHONE_PX = 390
const DESKTOP_PX = 1280

const chromium = findChromium()

/** @throws AssertionError with what hinders people who use a keyboard, a reader or other colours. */
async function assertAccessible(page: Page, where: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(AXE)
    const { violations } = await page.evaluate<AxeResults>('axe.run()')
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
    assert.deepEqual(told, [], `${where}, ${colorScheme}`)
  }
}

/** Each number says in a line what it is, with a link to the call behind it. */
async function assertExplained(page: Page): Promise<void> {
  const tiles = page.locator('.tiles > *')
  const count = await tiles.count()
  assert.ok(count >= 4)
  for (let index = 0; index < count; index++) {
    const definition = tiles.nth(index).locator('.tile-definition')
    assert.match((await definition.textContent()) ?? '', /\w+ \w+ .*\./)
    assert.equal(await definition.locator('a').count(), 1)
  }
}

/** Nothing reaches beyond the screen of a phone but what scrolls in its own box. */
async function assertFits(page: Page, where: string): Promise<void> {
  await page.setViewportSize({ width: PHONE_PX, height: 800 })
  const width = await page.evaluate('document.documentElement.scrollWidth')
  assert.ok(Number(width) <= PHONE_PX, `${where} is ${String(width)} px wide on a phone`)
  await page.setViewportSize({ width: DESKTOP_PX, height: 900 })
}

/** Operators of more than half of the stake release a hold, each in a browser at its own node. */
async function decide(browser: Browser, devnet: Devnet, id: string, url: string): Promise<void> {
  const { page, complaints } = await openPage(browser, url, DESKTOP_PX)
  await page.getByLabel('Token').fill('cordon-token-of-nobody')
  await page.keyboard.press('Enter')
  await page.getByText('The token is not one of this node, or was revoked').waitFor()
  assert.match(complaints.splice(0).join(), /^Failed to load resource: .* 401 \(Unauthorized\)$/)
  await assertAccessible(page, 'sign-in')
  await assertFits(page, 'sign-in')
  await page.getByLabel('Token').fill(readFileSync(join(devnet.dir, 'v1/config/operator-token'), 'utf8'))
  await page.keyboard.press('Enter')

  await page.getByRole('heading', { name: 'Why this node suspects it' }).waitFor()
  await assertAccessible(page, 'hold of an operator')
  await assertFits(page, 'hold of an operator')
  await page.getByRole('button', { name: 'Release …' }).click()
  await page.getByRole('dialog', { name: /^Release [\d,.]+ CRD\?$/ }).waitFor()
  await page.getByText('It does not decide alone.').waitFor()
  await assertAccessible(page, 'question before a vote')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await vote(page)
  await page.getByText('The vote to release is final. More stake has to vote').waitFor()
  await page.getByText('v1 has voted to release. A vote stands').waitFor()

  for (const name of ['v2', 'v3']) {
    const link = devnet.ready.validators.find((validator) => validator.name === name)?.review ?? ''
    const other = await openPage(browser, link, DESKTOP_PX)
    await other.page.getByRole('button', { name: 'Sign out operator' }).waitFor()
    assert.equal(new URL(other.page.url()).hash, '#/', 'the token stayed in the address')
    await other.page.evaluate(`location.hash = '/hold/${id}'`)
    await vote(other.page)
    await other.page.getByText('The vote to release is final').waitFor()
    assert.deepEqual(other.complaints, [])
  }
  await page.getByText('More than half of the stake let it go on to the payee.').waitFor()
  await assertAccessible(page, 'hold that has ended')
  const { votes } = (await devnet.run(0, 'quarantine', 'case', 'show', id)) as {
    readonly votes: readonly { readonly actor: string; readonly side: string }[]
  }
  assert.deepEqual(
    votes.map(({ actor, side }) => [actor, side]),
    [['operator', 'release']],
  )

  await page.keyboard.press('n')
  await page.getByRole('heading', { name: 'Node of v1' }).waitFor()
  await page.getByText('3 of 3').waitFor()
  assert.equal(await page.locator('[aria-label="Table of peers"] tbody tr').count(), 3)
  await assertAccessible(page, 'node')
  await assertFits(page, 'node')
  await page.getByRole('button', { name: 'Sign out operator' }).click()
  await page.getByRole('heading', { name: 'Sign in to review' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in to review' }).waitFor()
  const own = devnet.ready.validators[0]?.review ?? ''
  await page.evaluate(`location.hash = '${new URL(own).hash}'`)
  await page.getByText(/^All is well/).waitFor()
  assert.equal(new URL(page.url()).hash, '#/', 'the token stayed in the address of an open tab')
  assert.deepEqual(complaints, [])
}

/** A node that has enough of questions says nothing of its health. */
async function assertBearsRefusal(page: Page): Promise<void> {
  await page.route('**/healthz', (route) =>
    route.fulfill({ status: 429, json: { error: { code: -32_000 } } }),
  )
  // The second is asked for once what the first said has been shown.
  for (let answers = 0; answers < 2; answers++) await page.waitForResponse('**/healthz')
  await page.getByText(/^All is well/).waitFor()
  await page.unroute('**/healthz')
}

/**
 * Whoever signs out while the page asks whose token it is stays signed out, whatever the answer.
 * @param loseLine ends the page's connection to its node.
 */
async function assertStaysSignedOut(page: Page, loseLine: () => Promise<unknown>): Promise<void> {
  const asked: Route[] = []
  await page.route(
    ({ pathname }) => pathname === '/',
    (route) => void asked.push(route),
  )
  const question = page.waitForRequest((request) => request.method() === 'POST')
  await loseLine()
  await question
  await page.getByRole('button', { name: 'Sign out operator' }).click()
  await page.getByRole('heading', { name: 'Sign in to review' }).waitFor()
  for (const route of asked) {
    const answered = page.waitForResponse((response) => response.request() === route.request())
    await route.fulfill({ json: { jsonrpc: '2.0', id: 1, result: { token: 'operator' } } })
    await (await answered).finished()
  }
  assert.equal(await page.evaluate('sessionStorage.length'), 0, 'the token came back')
}

async function vote(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Release …' }).click()
  await page.getByRole('button', { name: 'Vote to release' }).click()
}

test(
  'an operator sees that all is well, then an attack, why it is held, how that ends, and the proof',
  { skip: chromium === null && 'no Chromium here: apt-get install chromium-headless-shell' },
  async () => {
    await using devnet = await Devnet.start(['--load-accounts', '100'])
    const browser = await launch(chromium ?? '')
    try {
      const { page, complaints } = await openPage(browser, devnet.ready.dashboard, DESKTOP_PX)
      await page.getByText(/^All is well\. Block [\d,]+ became final/).waitFor()
      await page.getByText('Nothing is held.', { exact: false }).first().waitFor()
      await assertExplained(page)
      await assertAccessible(page, 'overview')

      const { holds } = await devnet.run(0, 'devnet', 'attack', 'drain')
      assert.ok((holds as string[]).length > 0)
      await page.getByText(/payments? waits? for review/).waitFor()
      await page.locator('[aria-labelledby=live-title] tbody tr').first().waitFor()
      await assertFits(page, 'overview')
      await page.keyboard.press('h')
      await page.locator('tbody a').first().click()
      await page.getByRole('heading', { name: /CRD held$/ }).waitFor()
      assert.ok((await page.locator('[aria-labelledby=opinions-title] tbody tr').count()) >= 2)
      await page.getByText(/^[\d.]+ % of the stake flagged it/).waitFor()
      await assertAccessible(page, 'hold')
      await assertFits(page, 'hold')

      const id = new URL(page.url()).hash.split('/').at(-1) ?? ''
      const toOperatorPort = await page.locator('a', { hasText: 'operator port' }).getAttribute('href')
      await decide(browser, devnet, id, toOperatorPort ?? '')
      await page.locator('.mark', { hasText: 'released' }).first().waitFor()

      await page.locator('dd a[href^="#/tx/"]').click()
      await page.getByRole('button', { name: 'Show the proof' }).click()
      const receipt = join(devnet.dir, 'receipt.json')
      writeFileSync(receipt, (await page.locator('pre').textContent()) ?? '')
      const genesis = join(devnet.dir, 'genesis.json')
      const verified = await cordon(['verify', receipt, '--genesis', genesis])
      assert.equal(verified.code, 0, verified.stderr)
      await assertFits(page, 'transaction')
      await assertAccessible(page, 'transaction')

      await page.keyboard.press('/')
      await page.keyboard.type('not an id')
      await page.keyboard.press('Enter')
      await page.getByText('Expected a transaction id').waitFor()
      await page.getByRole('searchbox').fill('1')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Block 1' }).waitFor()
      assert.deepEqual(complaints, [])

      await page.goto(devnet.ready.dashboard)
      await page.getByText(/^All is well/).waitFor()
      await assertBearsRefusal(page)
      const operator = await openPage(browser, devnet.ready.validators[0]?.review ?? '', DESKTOP_PX)
      await operator.page.getByText(/^All is well/).waitFor()
      await assertStaysSignedOut(operator.page, () => devnet.run(0, 'devnet', 'kill', 'v1'))
      await page.getByText('The node does not answer.').waitFor()
      await devnet.run(0, 'devnet', 'restart', 'v1')
      await page.getByText(/^All is well/).waitFor()
    } finally {
      await browser.close()
    }
  },
)
