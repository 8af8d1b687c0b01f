import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curveSvg } from '../../cli/fraud/curve-svg.ts'

const CURVE = [
  { recall: 0.5, precision: 1 },
  { recall: 1, precision: 0.5 },
]

function pointsOf(svg: string): readonly string[] {
  return /<polyline points="([^"]*)"/.exec(svg)?.[1]?.split(' ') ?? []
}

test('points lie between the axes, and half lies half way', () => {
  const points = pointsOf(curveSvg(CURVE, { title: 't', prevalence: 0.1 })).map((point) =>
    point.split(',').map(Number),
  )
  const [[middleX, topY] = [], [rightX, middleY] = []] = points
  const [[leftX, bottomY] = []] = pointsOf(
    curveSvg([{ recall: 0, precision: 0 }], { title: 't', prevalence: 0.1 }),
  ).map((point) => point.split(',').map(Number))
  assert.equal(middleX, (leftX! + rightX!) / 2)
  assert.equal(middleY, (topY! + bottomY!) / 2)
  assert.ok(topY! < bottomY!, 'up is more')
})

test('a title is text, whatever is in it', () => {
  const svg = curveSvg(CURVE, { title: `<script>"&'\u0000\ud800</script>`, prevalence: 0.1 })
  assert.ok(svg.includes(`>&lt;script&gt;"&amp;'\ufffd\ufffd&lt;/script&gt;</text>`), svg)
  assert.ok(!svg.includes('<script'))
})

test('a long curve is thinned and keeps its ends', () => {
  const many = Array.from({ length: 12_345 }, (_, i) => ({
    recall: (i + 1) / 12_345,
    precision: 1 - i / 20_000,
  }))
  const all = many.map((point) => pointsOf(curveSvg([point], { title: 't', prevalence: 0 }))[0])
  const points = pointsOf(curveSvg(many, { title: 't', prevalence: 0 }))
  assert.ok(points.length <= 1_001, String(points.length))
  assert.deepEqual([points[0], points.at(-1)], [all[0], all.at(-1)])
})
