import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvColumns, csvRecords } from '../../src/data/csv.ts'

const fieldsOf = (text: string) => csvRecords(text, 'a.csv').map(({ fields }) => fields)

it('quoted fields hold commas, quotes and line breaks; others are taken as they stand', () => {
  const text = 'text,label\r\n"a, ""b""\r\nc",x\r\n\r\n  d ,\n"",""\n'
  expect(csvRecords(text, 'a.csv')).toEqual([
    { line: 1, fields: ['text', 'label'] },
    { line: 2, fields: ['a, "b"\r\nc', 'x'] },
    { line: 5, fields: ['  d ', ''] },
    { line: 6, fields: ['', ''] },
  ])
  expect(fieldsOf('a,')).toEqual([['a', '']])
  expect(fieldsOf('""')).toEqual([['']])
  expect(fieldsOf('\n \n')).toEqual([])
})

it('reads back whatever was written', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') })
  const table = fc.array(fc.array(field, { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 5 })
  const bare = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n', '\r'), fc.boolean(), (records, end, closed) => {
      const lines = records.map((fields) => fields.map(bare).join(','))
      expect(fieldsOf(lines.join(end) + (closed ? end : ''))).toEqual(records)
    }),
  )
})

it('takes long fields', () => {
  const long = 'word "" , \n'.repeat(200_000)
  expect(fieldsOf(`"${long}",x`)).toEqual([[long.replaceAll('""', '"'), 'x']])
})

describe('refuses', () => {
  it.each([
    ['a "b",x', 'line 1: found a quote within a field'],
    ['a,b\n"c\nd', 'line 2: found a quote that is not closed'],
    ['a,b\n"c"d,e', 'line 2: found d behind a closing quote'],
  ])('%j', (text, message) => {
    expect(() => csvRecords(text, 'a.csv')).toThrow(`a.csv, ${message}`)
  })
})

it('finds columns by their names, in any order and beside others', () => {
  expect(csvColumns('Label, id ,TEXT\nx,1,a\ny,2,"b\nc"\nz,3,d\n', 'a.csv', ['text', 'label'])).toEqual([
    { line: 2, text: 'a', label: 'x' },
    { line: 3, text: 'b\nc', label: 'y' },
    { line: 5, text: 'd', label: 'z' },
  ])
  expect(() => csvColumns('text,class\na,x', 'a.csv', ['text', 'label'])).toThrow(
    'a.csv has no column label: expected a first line with text and label, found text, class',
  )
  expect(() => csvColumns('', 'a.csv', ['text'])).toThrow(
    'a.csv has no column text: expected a first line with text, found none',
  )
  expect(() => csvColumns('text,label\na,b\nc\n', 'a.csv', ['text'])).toThrow(
    'a.csv, line 3: expected 2 fields as in the first line, found 1',
  )
})
