/** @file espalier studio as a command: what it says and refuses, and that Ctrl-C ends it. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { writeDone } from '../studio/folders.ts'
import { compiled, espalier, finish, start } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

beforeAll(compiled, 120_000)

it('refuses what is no folder, no port and no flag, in a sentence', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'notes.txt'), '')
  const refused = async (...args: string[]) => (await espalier(['studio', ...args], { cwd })).stderr
  expect(await refused('nowhere')).toBe(
    'espalier: nowhere: expected a folder of runs or sweeps, found nothing of that name\n',
  )
  expect(await refused('notes.txt')).toBe('espalier: notes.txt: expected a folder of runs or sweeps, found a file\n')
  expect(await refused('--port', '70000')).toBe(
    'espalier: --port: expected a whole number from 0 to 65,535, found 70000\n',
  )
})

it('says where it is, or what to run, and Ctrl-C ends it', async () => {
  const cwd = temporaryFolder()
  const lines = async (...args: string[]) => {
    const child = start(['studio', '--port', '0', ...args], { cwd })
    const ended = finish(child)
    while (!(await Promise.race([once(child.stdout!, 'data'), ended])).toString().includes('Ctrl-C'));
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect([code, stderr]).toEqual([130, ''])
    return stdout
  }
  expect(await lines()).toMatch(
    /^no runs in runs or sweeps yet: npx espalier run quickstart makes one\nthe studio: http:\/\/127\.0\.0\.1:\d+\/\n/,
  )
  mkdirSync(join(cwd, 'mine'))
  writeDone(join(cwd, 'mine', 'one'))
  expect(await lines('./mine/', 'mine')).toMatch(/^1 run: http:\/\/127\.0\.0\.1:\d+\/\n/)
  expect(await lines('mine', '--allow-run')).toMatch(/^1 run: http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}\n/)
}, 30_000)
