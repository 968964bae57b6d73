import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkCostsName, costsText, costsUsed, readCosts } from '../../src/calibrate/cost-file.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tableOf } from '../support/cost-table.ts'

const table = tableOf(1, 3)

it('a table is read as it was written', () => {
  const path = join(temporaryFolder(), 'costs.json')
  writeFileSync(path, costsText(table))
  expect(readCosts(path)).toEqual(table)
  expect(costsText(readCosts(path))).toBe(readFileSync(path, 'utf8'))
})

it('what is used is told by name and by the constants alone', () => {
  const used = costsUsed(table)
  expect(used).toEqual({ name: 'test', digest: expect.stringMatching(/^[0-9a-f]{16}$/) })
  expect(costsUsed({ ...table, date: '2027-01-01T00:00:00.000Z', processor: 'another' })).toEqual(used)
  expect(costsUsed(tableOf(1, 3.001)).digest).not.toBe(used.digest)
  expect(costsUsed(tableOf(1, 3, 16)).digest).not.toBe(used.digest)
})

it.each<[string, (text: string) => string, RegExp]>([
  ['what is no JSON', () => 'costs: 1', /is no table of costs: expected JSON as espalier calibrate writes it$/],
  ['another format', (text) => text.replace('espalier costs 1', 'espalier costs 2'), /: format: /],
  ['a kind that is not there', (text) => text.replace('"fewLinear"', '"fewlinear"'), /: .*fewlinear/],
  [
    'a negative constant',
    (text) => text.replace('"multiplyAdd": 3', '"multiplyAdd": -3'),
    /multiplyAdd: expected at least 0, found -3$/,
  ],
  [
    'no number',
    (text) => text.replace('"multiplyAdd": 3', '"multiplyAdd": null'),
    /multiplyAdd: expected .*number, found null$/,
  ],
  ['another vector', (text) => text.replace('"lanes": 8', '"lanes": 5'), /: lanes: /],
  [
    'only zeros',
    (text) => text.replace('"multiplyAdd": 3', '"multiplyAdd": 0'),
    /costs\.forward\.winograd\.sparse: expected a constant above 0, found zeros$/,
  ],
])('%s is refused in one sentence', (_, change, message) => {
  const path = join(temporaryFolder(), 'costs.json')
  const text = change(costsText(table))
  expect(text).not.toBe(costsText(table))
  writeFileSync(path, text)
  expect(() => readCosts(path)).toThrow(UserError)
  expect(() => readCosts(path)).toThrow(message)
})

it('a name fits a line of a report', () => {
  expect(checkCostsName('--name', 'laptop, 2 threads (new)')).toBe('laptop, 2 threads (new)')
  for (const name of ['', 'a\nb', '|', 'x'.repeat(81)])
    expect(() => checkCostsName('--name', name), name).toThrow(/^--name: expected up to 80 letters/)
})
