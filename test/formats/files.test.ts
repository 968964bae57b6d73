import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { UserError } from '../../src/util/errors.ts'
import { readBytes, writeAtomically } from '../../src/util/files.ts'
import { temporaryFolder } from '../cli/temporary.ts'

it('writes text and bytes, over what was there, and leaves nothing else', () => {
  const path = join(temporaryFolder(), 'file')
  writeAtomically(path, 'ä')
  writeAtomically(path, Uint8Array.of(1, 2))
  expect([...readBytes(path)]).toEqual([1, 2])
  expect(readdirSync(join(path, '..'))).toEqual(['file'])
})

it('a failure names the file and leaves nothing behind', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'target'))
  expect(() => writeAtomically(join(folder, 'target'), 'x')).toThrow(UserError)
  expect(() => writeAtomically(join(folder, 'target'), 'x')).toThrow(/cannot write .*target: it is a folder/)
  expect(readdirSync(folder)).toEqual(['target'])
})

it('below a file there is no folder', () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, 'x')
  const message = 'a part of the path is a file, not a folder'
  expect(() => writeAtomically(join(file, 'a'), 'y')).toThrow(`cannot write ${join(file, 'a')}: ${message}`)
  expect(() => readBytes(join(file, 'a'))).toThrow(`cannot read ${join(file, 'a')}: ${message}`)
  expect(readFileSync(file, 'utf8')).toBe('x')
})
