import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { RunFolder } from '../../src/experiment/run/folder.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'

it('fresh folders are numbered', () => {
  const base = join(temporaryFolder(), 'runs')
  const paths = [1, 2, 3].map(() => RunFolder.fresh('tiny', base).path)
  expect(paths).toEqual([1, 2, 3].map((i) => join(base, `tiny-${i}`)))
  expect(RunFolder.fresh('other', base).path).toBe(join(base, 'other-1'))
})

it('a folder that holds a run is refused, resumed or replaced', () => {
  const path = join(temporaryFolder(), 'deep', 'run')
  const first = RunFolder.open(path, {})
  writeFileSync(first.file('recipe'), 'name: x')
  first.appendMetric({ a: 1 })
  writeFileSync(join(path, 'notes.txt'), 'mine')
  first.release()

  expect(() => RunFolder.open(path, {})).toThrow(
    new UserError(
      `${path} already holds a run: use --resume to go on with it, --force to replace it, or another --out`,
    ),
  )
  const resumed = RunFolder.open(path, { resume: true })
  expect(readFileSync(resumed.file('metrics'), 'utf8')).toMatch(/^\{"a":1,"time":"[\d-]+T[\d:.]+Z"\}\n$/)
  resumed.release()
  RunFolder.open(path, { force: true }).release()
  expect(readdirSync(path)).toEqual(['notes.txt'])
})

it('an existing folder without a run is used', () => {
  const path = temporaryFolder()
  writeFileSync(join(path, 'notes.txt'), 'mine')
  RunFolder.open(path, {}).release()
  expect(readdirSync(path)).toEqual(['notes.txt'])
})

it('to resume, no folder is made', () => {
  const path = join(temporaryFolder(), 'typo')
  expect(() => RunFolder.open(path, { resume: true })).toThrow(
    new UserError(`${path} holds no run to resume: there is no such folder`),
  )
  expect(existsSync(path)).toBe(false)
})

it.each([{}, { resume: true }, { force: true }])('a folder in use is refused, also with %o', (mode) => {
  const path = temporaryFolder()
  const first = RunFolder.open(path, {})
  first.appendMetric({ a: 1 })
  expect(() => RunFolder.open(path, mode)).toThrow(
    new UserError(`${path} is in use by another run (process ${process.pid}); wait for it or choose another --out`),
  )
  expect(first.has('metrics')).toBe(true)
  first.release()
  RunFolder.open(path, { resume: true }).release()
})

/** A folder with that lock. */
function locked(lock: string | object): { path: string; lock: string } {
  const path = temporaryFolder()
  const file = join(path, 'lock.json')
  writeFileSync(file, typeof lock === 'string' ? lock : JSON.stringify(lock))
  return { path, lock: file }
}

it('the lock of a dead process is taken over', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const mine = temporaryFolder()
  RunFolder.open(mine, {})
  const own = JSON.parse(readFileSync(join(mine, 'lock.json'), 'utf8'))
  const { path } = locked({ ...own, pid: child.pid })
  RunFolder.open(path, {}).release()
  expect(readdirSync(path)).toEqual([])
})

it.skipIf(process.platform !== 'linux')('a process number that was given to another process is not mistaken', () => {
  const mine = temporaryFolder()
  RunFolder.open(mine, {})
  const own = JSON.parse(readFileSync(join(mine, 'lock.json'), 'utf8'))
  RunFolder.open(locked({ ...own, started: '1' }).path, {}).release()
  expect(() => RunFolder.open(locked(own).path, {})).toThrow('is in use by another run')
})

it('a lock of another machine is respected', () => {
  const { path } = locked({ pid: 1, host: 'elsewhere', started: '' })
  expect(() => RunFolder.open(path, {})).toThrow(`${path} is in use by another run (process 1 on elsewhere)`)
})

it('a lock that is being written is respected, one that was cut short long ago is not', () => {
  const { path, lock } = locked('')
  expect(() => RunFolder.open(path, {})).toThrow('which is just starting')
  utimesSync(lock, 1e9, 1e9)
  RunFolder.open(path, {}).release()
})

it('where no folder can be made, the reason is told', () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  const message = `cannot make the folder ${join(file, 'run')}: a part of the path is a file, not a folder`
  expect(() => RunFolder.open(join(file, 'run'), {})).toThrow(new UserError(message))
  expect(() => RunFolder.fresh('tiny', join(file, 'run'))).toThrow(new UserError(message))
  expect(() => RunFolder.open(file, {})).toThrow(`cannot make the folder ${file}: it exists already`)
})
