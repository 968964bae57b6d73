/** @file Texts as tokens, and the mails that become a data set. */
import { expect, it } from 'vitest'
import { contentOf } from '../../src/data/spam-assassin.ts'
import { bytesOfTokens, textTokens } from '../../src/data/text-tokens.ts'

it('words, numbers and marks are tokens, whatever their case; tags are none', () => {
  const tokens = textTokens('Buy <b class="x">NOW</b>, buy it for $100!', 4096)
  expect(tokens).toHaveLength(8)
  const [buy, now, again, it, , dollar, hundred, mark] = tokens
  expect(again).toBe(buy)
  expect(textTokens('now it $ 100 !', 4096)).toEqual([now, it, dollar, hundred, mark])
  expect(new Set(tokens).size).toBe(7)
})

it('every token is one of the vocabulary but 0, which is none', () => {
  const words = Array.from({ length: 2000 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i % 77)}`)
  const tokens = textTokens(words.join(' '), 50)
  expect([Math.min(...tokens), Math.max(...tokens)]).toEqual([1, 49])
})

it('hashes words as FNV-1a does', () => {
  // Of 32 bits, "foobar" gives 0xbf9cf968.
  expect(textTokens('foobar', 2 ** 31)).toEqual([1 + (0xbf9cf968 % (2 ** 31 - 1))])
})

it('tokens take two rows of bytes, the low ones first', () => {
  expect([...bytesOfTokens([1, 258, 4095], 4)]).toEqual([1, 2, 255, 0, 0, 1, 15, 0])
  expect([...bytesOfTokens([7, 8, 9], 2)]).toEqual([7, 8, 0, 0])
})

it('of a mail the subject and the body are read, and no other header', () => {
  const mail = 'Received: from here\nSubject: Hello\n there\nX-Spam: yes\n\nSubject: not this\n\nBody'
  expect(contentOf(mail)).toBe(' Hello\nSubject: not this\n\nBody')
  expect(contentOf('no body')).toBe('\n')
})
