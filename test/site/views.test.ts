/** @file How charts and tables of the studio and of reports place and order what they show. */
import { expect, it } from 'vitest'
import { hashOf, type Route, routeOf } from '../../site/studio/route.ts'
import { apart, scaleOf } from '../../site/views/scale.ts'
import { shadesOf } from '../../site/views/series.ts'
import { orderOf, pressed } from '../../site/views/sort.ts'
import type { ViewTable } from '../../src/report/view.ts'

it('zero has no place on a logarithmic axis: it lies at the lower end, never at the upper one', () => {
  const log = scaleOf('log', [0, 0.001, 1])
  expect([log.place(0), log.holds(0), log.holds(0.001)]).toEqual([0, false, true])
  expect(log.place(0.001)).toBeGreaterThan(0)
  expect(log.place(0.001)).toBeLessThan(log.place(0.1))
  expect(log.place(1)).toBeLessThan(1)
  const onlyZeros = scaleOf('log', [0, 0])
  expect([onlyZeros.place(0), Number.isFinite(onlyZeros.place(1))]).toEqual([0, true])
  // Of shares of weights left, the end of the axis is where none are.
  const density = scaleOf('density', [0, 0.02, 0.5])
  expect([density.place(0), density.holds(0)]).toEqual([1, false])
  expect(density.place(0.02)).toBeGreaterThan(density.place(0.5))
})

it('axes name round values inside of them, which do not touch', () => {
  const texts = (kind: 'linear' | 'log' | 'density', values: number[], count: number, options = {}) =>
    scaleOf(kind, values, options)
      .ticks(count)
      .map(({ text }) => text)
  expect(texts('linear', [10, 97], 4)).toEqual(['20', '40', '60', '80', '100'])
  expect(texts('linear', [0.01, 0.1], 5)).toEqual(['0.02', '0.04', '0.06', '0.08', '0.1'])
  expect(texts('linear', [1, 12], 7, { whole: true })).toEqual(['2', '4', '6', '8', '10', '12'])
  expect(texts('linear', [1, 2], 9, { whole: true })).toEqual(['1', '2'])
  expect(texts('log', [0.003, 2], 4)).toEqual(['0.01', '0.1', '1'])
  // A single value is named, and what no axis can hold is left out.
  expect(texts('log', [0.251], 4)).toEqual(['0.251'])
  expect(texts('linear', [1, 3, 1e308, -1e308], 2)).toEqual(texts('linear', [1, 3], 2))
  expect(texts('density', [0.2, 0.1, 0.005], 9)).toEqual(['80 %', '90 %', '95 %', '98 %', '99 %', '99.5 %'])
  for (const values of [[5], [], [0, 0], [Number.NaN, 1]])
    for (const kind of ['linear', 'log', 'density'] as const) {
      const scale = scaleOf(kind, values)
      expect(scale.ticks(4).every(({ value }) => Number.isFinite(scale.place(value)))).toBe(true)
    }
  const scale = scaleOf('linear', [0, 100], { least: 0, most: 100 })
  expect(apart(scale, scale.ticks(10), () => 0.25).map(({ text }) => text)).toEqual(['0', '30', '60', '90'])
})

const table: ViewTable = {
  columns: [
    { name: 'method', numeric: false },
    { name: 'accuracy', numeric: true },
  ],
  rows: [
    [{ text: 'b10' }, { text: '9.00', value: 9 }],
    [{ text: 'b9' }, { text: '10.00', value: 10 }],
    [{ text: 'a' }, { text: '' }],
  ],
  best: [],
}

it('rows are ordered by numbers and by names, empty cells last; a third press undoes it', () => {
  expect(orderOf(table, undefined)).toEqual([0, 1, 2])
  expect(orderOf(table, { column: 1, order: 'descending' })).toEqual([1, 0, 2])
  expect(orderOf(table, { column: 1, order: 'ascending' })).toEqual([0, 1, 2])
  expect(orderOf(table, { column: 0, order: 'ascending' })).toEqual([2, 1, 0])
  const first = pressed(undefined, 1, true)
  const second = pressed(first, 1, true)
  expect([first, second, pressed(second, 1, true)]).toEqual([
    { column: 1, order: 'descending' },
    { column: 1, order: 'ascending' },
    undefined,
  ])
})

it('the sparsest is the strongest shade, and a single one is strong', () => {
  expect(shadesOf([0.98, 0.5, undefined, 0.9])).toEqual([1, 0, 1, 0.5])
  expect(shadesOf([0.9])).toEqual([1])
})

it('every view has an address, of any folder', () => {
  const id = 'runs/a b&c=d#e?f/ü'
  for (const route of [
    { view: 'run', id },
    { view: 'sweep', id },
    { view: 'compare', ids: [id, 'x'] },
    { view: 'sweeps' },
    { view: 'start' },
    { view: 'runs' },
  ] satisfies Route[])
    expect(routeOf(hashOf(route))).toEqual(route)
  for (const hash of ['', '#', '#/run', '#/nonsense?id=3']) expect(routeOf(hash)).toEqual({ view: 'runs' })
})
