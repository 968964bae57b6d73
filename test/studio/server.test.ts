/** @file Who is answered what: hosts, tokens, addresses, and commands that are started and stopped. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import type { Job, RunDetail, RunPage } from '../../src/studio/api.ts'
import { commandFile } from '../../src/util/package.ts'
import { compiled } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny, writeTiny } from '../experiment/tiny.ts'
import { opened, writeDone, writeSweep } from './folders.ts'

beforeAll(compiled, 120_000)

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Asks as no browser would: with any path and host. */
function ask(address: string, path: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  const { hostname, port } = new URL(address)
  return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode!, text, headers: response.headers }))
    })
    asked.on('error', reject).end(body)
  })
}

const json = (body: object, headers: Record<string, string> = {}): Asked => {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

it('only what is listed is served, whatever an address says', async () => {
  const folder = temporaryFolder()
  writeDone(join(folder, 'runs', 'one'))
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  const { address } = await opened({ folders: [join(folder, 'runs')] })
  const page = await ask(address, '/')
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  for (const path of [
    '/../package.json',
    '/..%2fpackage.json',
    '/playground/../../../package.json',
    '/playground/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    `/${folder}/secret.txt`,
    '//etc/passwd',
  ])
    expect((await ask(address, path)).status, path).toBe(404)
  for (const id of [folder, join(folder, 'runs', '..'), `${folder}/runs/one/..`, '../../etc', '', '__proto__']) {
    const { status, text } = await ask(address, `/api/run?id=${encodeURIComponent(id)}`)
    expect([status, JSON.parse(text)]).toEqual([404, { error: `there is no run ${id}` }])
  }
  for (const view of ['sweep', 'report']) expect((await ask(address, `/api/${view}?id=/etc`)).status).toBe(404)
  const bad = await ask(address, '/api/runs?limit=0')
  expect([bad.status, bad.text]).toEqual([400, expect.stringContaining('limit: expected')])
})

it('a name that leads here from elsewhere, and pages of other addresses, are refused', async () => {
  const { address } = await opened({ folders: [temporaryFolder()] })
  const { port } = new URL(address)
  expect((await ask(address, '/api/runs', { headers: { host: `localhost:${port}` } })).status).toBe(200)
  const rebound = await ask(address, '/api/runs', { headers: { host: `evil.example:${port}` } })
  expect([rebound.status, rebound.text]).toEqual([403, expect.stringContaining('expected the host 127.0.0.1')])
  const other = await ask(address, '/api/runs', { headers: { origin: 'http://evil.example' } })
  expect(other.status).toBe(403)
})

it('a token is asked for off the loopback address, and where commands can be started', async () => {
  const folders = [temporaryFolder()]
  const jobs = { command: [], bases: basesOf(folders[0]), startable: () => [] }
  for (const options of [{ host: '0.0.0.0' }, { jobs }]) {
    const { address } = await opened({ folders, ...options })
    const { search, port } = new URL(address)
    const here = `http://127.0.0.1:${port}`
    expect(search.length).toBeGreaterThan(30)
    for (const path of ['/', '/studio.js', '/api/runs', '/api/events', '/?token=', `/${search}x`, '/?token=wrong']) {
      const { status, text } = await ask(here, path)
      expect([path, status, text]).toEqual([path, 401, expect.stringContaining('asks for its token')])
    }
    const entered = await ask(here, `/${search}`)
    expect([entered.status, entered.headers.location]).toEqual([302, '/'])
    const [cookie] = entered.headers['set-cookie'] as string[]
    expect(cookie).toMatch(/^espalier-\w+=\S+; Path=\/; HttpOnly; SameSite=Strict$/)
    const headers = { cookie: cookie.split(';')[0] }
    expect((await ask(here, '/api/runs', { headers })).status).toBe(200)
    const wrong = { cookie: `${headers.cookie.slice(0, -1)}!` }
    expect((await ask(here, '/api/runs', { headers: wrong })).status).toBe(401)
  }
  const { address } = await opened({ folders })
  expect(new URL(address).search).toBe('')
})

it('nothing is started, stopped or resumed without leave', async () => {
  const folder = temporaryFolder()
  writeTiny(folder)
  const { address } = await opened({ folders: [folder] })
  for (const [path, body] of [
    ['start', { kind: 'recipe', name: 'quickstart' }],
    ['stop', { id: folder }],
    ['resume', { id: folder }],
  ] as const) {
    const { status, text } = await ask(address, `/api/${path}`, json(body))
    expect([status, text]).toEqual([403, expect.stringContaining('espalier studio --allow-run allows it')])
  }
  expect((await ask(address, '/api/jobs')).status).toBe(403)
})

it('a recipe is started, stopped with a checkpoint, and resumed; what is no such thing is refused', async () => {
  const base = join(temporaryFolder(), 'runs')
  const path = writeTiny(temporaryFolder(), { train: { ...tiny.train, epochs: 4000 } })
  const startable = () => [{ kind: 'recipe' as const, name: 'tiny.yaml', path }]
  const { address, end } = await opened({
    folders: [base],
    jobs: { command: [commandFile()], bases: basesOf(base), startable },
  })
  const { search } = new URL(address)
  const entered = await ask(address, `/${search}`)
  const cookie = (entered.headers['set-cookie'] as string[])[0].split(';')[0]
  const send = async (what: string, body: object) => {
    const { status, text } = await ask(address, `/api/${what}`, json(body, { cookie }))
    return { status, value: JSON.parse(text) }
  }
  const get = async <T>(what: string): Promise<T> =>
    JSON.parse((await ask(address, `/api/${what}`, { headers: { cookie } })).text)

  expect((await send('start', { kind: 'recipe', name: '../tiny.yaml' })).value).toEqual({
    error: 'there is no recipe named ../tiny.yaml to start',
  })
  expect((await send('start', { kind: 'recipe', name: 'tiny.yaml', set: ['--out=/tmp/x'] })).status).toBe(400)
  expect((await send('stop', { id: base })).value.error).toContain('nothing that was started here')
  const form = await ask(address, '/api/stop', { method: 'POST', headers: { cookie }, body: 'id=1' })
  expect([form.status, form.text]).toEqual([400, expect.stringContaining('expected JSON')])

  const started = await send('start', { kind: 'recipe', name: 'tiny.yaml', set: ['seed=3'] })
  const out = join(base, 'tiny-1')
  expect(started).toMatchObject({
    status: 200,
    value: { out, state: 'running', command: expect.stringContaining('seed=3') },
  })
  await until(async () => (await get<RunPage>('runs')).rows.some(({ epoch }) => epoch > 0))
  expect(await get<RunDetail>(`run?id=${encodeURIComponent(out)}`)).toMatchObject({
    stoppable: true,
    summary: { state: 'running', seed: 3 },
  })
  expect((await send('stop', { id: out })).status).toBe(200)
  await until(async () => (await get<{ jobs: Job[] }>('jobs')).jobs[0].state === 'stopped')
  expect(existsSync(join(out, 'checkpoint.safetensors'))).toBe(true)
  await until(async () => (await get<RunPage>('runs?state=stopped')).total === 1)

  const before = readFileSync(join(out, 'metrics.jsonl'), 'utf8')
  expect((await send('resume', { id: out })).status).toBe(200)
  await until(async () => (await get<RunPage>('runs?state=running')).total === 1)
  await until(() => readFileSync(join(out, 'metrics.jsonl'), 'utf8').length > before.length)
  expect((await send('resume', { id: out })).value.error).toContain('expected a run that has stopped')
  // The studio takes what it has started with it.
  await end()
  expect(existsSync(join(out, 'lock.json'))).toBe(false)
}, 60_000)

it('what fails to begin says why and leaves no folder', async () => {
  const base = join(temporaryFolder(), 'runs')
  mkdirSync(base)
  const path = join(temporaryFolder(), 'no.yaml')
  writeFileSync(path, 'name: no\n')
  const startable = () => [{ kind: 'recipe' as const, name: 'no', path }]
  const { address } = await opened({
    folders: [base],
    token: 't',
    jobs: { command: [commandFile()], bases: basesOf(base), startable },
  })
  const cookie = ((await ask(address, '/?token=t')).headers['set-cookie'] as string[])[0].split(';')[0]
  await ask(address, '/api/start', json({ kind: 'recipe', name: 'no' }, { cookie }))
  const first = async () => JSON.parse((await ask(address, '/api/jobs', { headers: { cookie } })).text).jobs[0] as Job
  await until(async () => (await first()).state !== 'running')
  expect(await first()).toMatchObject({ state: 'failed', error: expect.stringMatching(/^espalier: .*no\.yaml: /) })
  expect(existsSync(join(base, 'no-1'))).toBe(false)
}, 30_000)

it('the report of a sweep is that of espalier report, and made anew when a run has changed', async () => {
  const folder = writeSweep(join(temporaryFolder(), 'sweep'))
  const { address } = await opened({ folders: [folder] })
  const report = async () => JSON.parse((await ask(address, `/api/report?id=${encodeURIComponent(folder)}`)).text)
  const first = await report()
  expect(first).toMatchObject({
    title: 'two-methods',
    facts: ['mlpnet on synthetic', '8 runs', '4 settings', '96 s of training'],
  })
  expect(first.means.best).toEqual([0, 1])
  expect((await report()).origin).toEqual(first.origin)
})

it('a port in use, and a host of another machine, are one sentence', async () => {
  const { address } = await opened({ folders: [temporaryFolder()] })
  const port = Number(new URL(address).port)
  await expect(opened({ folders: [temporaryFolder()], port })).rejects.toThrow(
    `--port ${port}: expected a port of 127.0.0.1 that is free, found one in use; --port 0 takes any that is free`,
  )
  await expect(opened({ folders: [temporaryFolder()], host: '203.0.113.7' })).rejects.toThrow(
    '--host 203.0.113.7: expected an address of this machine, found another',
  )
})

const basesOf = (base: string) => ({ recipe: base, sweep: base })

/** Waits until something is so. */
async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await is()) return
    await setTimeout(50)
  }
  throw new Error('it did not come to be so in time')
}
