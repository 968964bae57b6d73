/** @file Locks of folders when several processes want the same one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { FolderLock } from '../../src/util/folder-lock.ts'
import { compiled, root } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { breadth } from '../support/breadth.ts'

beforeAll(compiled, 120_000)

const PROCESSES = 6
const FOLDERS = breadth(20, 60)
/** Milliseconds between two folders. */
const PACE = 40
/** Until all processes know when the first is. */
const LEAD = 200

it('of several processes that find the lock of a dead one, exactly one takes it', { timeout: 60_000 }, async () => {
  const base = temporaryFolder()
  const dead = spawn(process.execPath, ['-e', ''])
  await once(dead, 'exit')
  const folders = Array.from({ length: FOLDERS }, (_, i) => join(base, String(i)))
  for (const folder of folders) {
    mkdirSync(folder)
    writeFileSync(join(folder, 'lock.json'), JSON.stringify({ pid: dead.pid, host: hostname(), started: '1' }))
  }
  const racer = fileURLToPath(new URL('./folder-lock-racer.mjs', import.meta.url))
  const lock = pathToFileURL(join(root, 'dist/util/folder-lock.js')).href
  const args = [racer, lock, String(PACE), ...folders]
  const racers = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const lines = racers.map((child) => createInterface({ input: child.stdout! })[Symbol.asyncIterator]())
  const next = () => Promise.all(lines.map((line) => line.next()))
  expect((await next()).map(({ value }) => value)).toEqual(racers.map(() => 'ready'))
  const begin = Date.now() + LEAD
  for (const child of racers) child.stdin!.write(`${begin}\n`)
  const taken = (await next()).flatMap(({ value }) => JSON.parse(value) as string[])
  for (const child of racers) child.stdin!.end('done')
  expect(taken.sort()).toEqual(folders.toSorted())
  expect(readdirSync(folders[0])).toEqual(['lock.json'])
})

it('what is no lock at all is taken over, and a lock that another took in the meantime is not released', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'lock.json'), '{}')
  const lock = new FolderLock(folder, 'run')
  writeFileSync(join(folder, 'lock.json'), '{"another": 1}')
  lock.release()
  expect(readdirSync(folder)).toEqual(['lock.json'])
})
