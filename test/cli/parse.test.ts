/** @file Numbers on the command line. */
import { expect, it } from 'vitest'
import { notNegative, pixels, repeated, webAddress, whole, wholeList } from '../../src/cli/flags/parse.ts'
import { UserError } from '../../src/util/errors.ts'

it.each([
  ['a whole number', whole('--n', 1, 1024), { 1: 1, 1024: 1024, '007': 7 }],
  ['a list of them', wholeList('--n', 1, 64), { 1: [1], '1,64': [1, 64], '2, 3': [2, 3] }],
  ['a number of 0 or more', notNegative('--n'), { 0: 0, 2.5: 2.5, '1e3': 1000 }],
  ['pixels', pixels('--n'), { 1: 1, 224: 224 }],
  ['an address', webAddress('--n'), { 'http://a/b': 'http://a/b', 'HTTPS://a': 'HTTPS://a' }],
])('%s', (_, parse, cases) => {
  for (const [text, value] of Object.entries(cases)) expect(parse(text)).toEqual(value)
})

it.each([
  ['a whole number', whole('--n', 1, 1024), ['0', '1025', '1.5', '1e2', '-1', ' 1', '', 'x', '0x10']],
  ['a whole number', wholeList('--n', 1, 64), ['', '1,', '1,65', '1;2']],
  ['a number of 0 or more', notNegative('--n'), ['-1', '', ' ', 'soon', 'NaN']],
  ['an address that begins with http', webAddress('--n'), ['', 'a.b/c', '/etc', 'file:///etc', 'http:', 'httpx://a']],
  ['a whole number of pixels', pixels('--n'), ['0', '-1', '1.5', 'half', '']],
] as const)('%s: what is none names the flag', (what, parse, texts) => {
  for (const text of texts) {
    expect(() => parse(text)).toThrow(UserError)
    expect(() => parse(text)).toThrow(`--n: expected ${what}`)
  }
})

it('what is given several times, in its order', () => {
  expect(['b', 'a', 'b'].reduce<string[]>((all, text) => repeated(text, all), [])).toEqual(['b', 'a', 'b'])
})
