/** The shelf keeps models over restarts, forgets old ones, and a node always has one that it can use. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import type { Head } from '../../fraud/head/head.ts'
import { ModelShelf, modelIdText, type ShelfOptions } from '../../node/models/shelf.ts'
import type { ModelRecord } from '../../node/models/shelf-index.ts'
import { someHead } from '../fraud/head/some-head.ts'

let directory: string
let warnings: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-models-'))
  warnings = []
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

function open(configured: ShelfOptions['configured'] = { name: 'given', head: someHead(1) }): ModelShelf {
  return new ModelShelf({
    directory,
    configured,
    nowMs: () => 5_000,
    log: { warn: (_, message) => warnings.push(message) },
  })
}

function add(shelf: ModelShelf, head: Head, name = 'learned'): ModelRecord {
  return shelf.add(head, { name, origin: 'learned', base: shelf.voting.base, about: 'a test', data: [] })
}

describe('shelf', () => {
  test('what the configuration names votes, and is there after a restart', () => {
    for (const shelf of [open(), open()]) {
      assert.equal(shelf.voting.name, 'given')
      assert.deepEqual(shelf.headOf(shelf.voting), someHead(1))
      assert.equal(shelf.previous, null)
    }
    assert.deepEqual(warnings, [])
  })

  test('one that was put in its place goes on voting, until the configuration names another', () => {
    const shelf = open()
    shelf.use(add(shelf, someHead(2)))
    assert.deepEqual(open().headOf(open().voting), someHead(2))
    const other = open({ name: 'other', head: someHead(3) })
    assert.equal(other.voting.name, 'other')
    assert.equal(other.previous?.id, modelIdText(someHead(2)))
  })

  test('rolls back to what voted before, and no further than there is', () => {
    const shelf = open()
    shelf.use(add(shelf, someHead(2)))
    shelf.use(add(shelf, someHead(3)))
    assert.equal(shelf.rollBack().id, modelIdText(someHead(2)))
    assert.equal(open().voting.id, modelIdText(someHead(2)))
    assert.equal(open().rollBack().name, 'given')
    assert.throws(() => open().rollBack(), { code: 'not-found' })
  })

  test('forgets old models, but none that is needed', () => {
    const shelf = open()
    const shadow = add(shelf, someHead(50))
    shelf.setShadow(shadow)
    for (let i = 100; i < 120; i++) shelf.use(add(shelf, someHead(i)))
    assert.ok(shelf.models.length <= 2 * LEARNING_LIMITS.keptModels + 4, `${shelf.models.length} models`)
    for (const id of [modelIdText(someHead(1)), shadow.id, modelIdText(someHead(119))])
      assert.equal(open().find(id).id, id)
    assert.throws(() => open().find(modelIdText(someHead(101))), { code: 'not-found' })
    const files = readdirSync(directory).filter((name) => name !== 'index.json')
    assert.equal(files.length, shelf.models.length - 1, 'the label-free model has no file')
  })

  test('finds by name, id and the begin of an id, and says when it cannot', () => {
    const shelf = open()
    const id = modelIdText(someHead(1))
    for (const name of ['given', id, id.slice(0, 8)]) assert.equal(shelf.find(name).id, id)
    assert.equal(shelf.headOf(shelf.find('label-free')), null)
    for (const name of ['', id.slice(0, 3), 'nothing'])
      assert.throws(() => shelf.find(name), { code: 'not-found' }, name)
  })

  test('damaged files: the configured model votes, or the label-free one, with a warning', () => {
    const shelf = open()
    const learned = add(shelf, someHead(2))
    shelf.use(learned)
    writeFileSync(join(directory, `${learned.id}.json`), '{}')
    assert.equal(open().voting.name, 'given')
    assert.equal(warnings.length, 1)
    writeFileSync(join(directory, 'index.json'), '{"version":1}')
    assert.equal(open().voting.name, 'given')
    assert.equal(warnings.length, 2)
    rmSync(join(directory, 'index.json'))
    assert.equal(open(null).voting.name, 'label-free')
  })

  test('a configured model that cannot be read leaves the one that voted last', () => {
    const shelf = open()
    shelf.use(add(shelf, someHead(2)))
    assert.equal(open(null).voting.id, modelIdText(someHead(2)))
  })
})
