/** @file Errors of the file system in words. */
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { errorText, UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'

const thrown = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

it('one that nobody put into words names its path and the reason', () => {
  const folder = temporaryFolder()
  const [from, to] = [join(folder, 'a'), join(folder, 'b')]
  expect(errorText(thrown(() => readFileSync(from)))).toBe(`cannot open ${from}: there is no such file or folder`)
  expect(errorText(thrown(() => renameSync(from, to)))).toBe(
    `cannot rename ${from} to ${to}: there is no such file or folder`,
  )
  const readOnly = Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS', syscall: 'copyfile' })
  expect(errorText({ ...readOnly, path: '/a', dest: '/b' })).toBe(
    'cannot copyfile /a to /b: the file system is read-only',
  )
})

it('others say what they say', () => {
  expect(errorText(new UserError('a: expected b, found c'))).toBe('a: expected b, found c')
  expect(errorText(new Error('x'))).toBe('x')
})
