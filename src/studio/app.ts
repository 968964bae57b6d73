/** @file What the studio answers: its page, the lists and runs as JSON, and changes as server-sent events. */
import { type Context, Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { checkSchema } from '../util/check-schema.ts'
import { UserError } from '../util/errors.ts'
import { version } from '../util/version.ts'
import type { Change, Studio, SweepDetail } from './api.ts'
import { type Asset, POLICY } from './assets.ts'
import { detailOf } from './detail.ts'
import { type GuardOptions, guard } from './guard.ts'
import { type Jobs, startSchema } from './jobs.ts'
import { Lists, querySchema } from './query.ts'
import type { Reports } from './reports.ts'
import type { Entry, RunIndex } from './run-index.ts'
import type { Sweeps } from './sweeps.ts'

export interface AppParts extends GuardOptions {
  folders: readonly string[]
  index: RunIndex
  sweeps: Sweeps
  reports: Reports
  files: ReadonlyMap<string, Asset>
  /** Absent: nothing can be started or stopped. */
  jobs?: Jobs
  /** Resolves when all runs are found; what is asked before waits for it. */
  ready: Promise<void>
}

/** The most that a page sends. */
const MOST_SENT = 100_000
/**
 * Pages that compute share memory among threads, which a browser allows where they are isolated from others.
 */
const ISOLATED = [
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-embedder-policy', 'require-corp'],
] as const
/** Milliseconds between two signs of life, which tell connections that are gone. */
const HEARTBEAT = 15_000

export function studioApp({ folders, index, sweeps, reports, files, jobs, ready, ...guarded }: AppParts): Hono {
  const app = new Hono()
  const lists = new Lists(index)
  app.use(guard(guarded))
  app.use('/api/*', async (_, next) => {
    await ready
    await next()
  })

  app.get('/api/studio', (c) => {
    const playground = files.has('/playground/index.html')
    return c.json({ version: version(), folders: [...folders], allowRun: !!jobs, playground } satisfies Studio)
  })
  app.get('/api/runs', (c) => c.json(lists.page(asked(querySchema, c.req.query()))))
  app.get('/api/run', (c) => {
    const entry = entryOf(index, c.req.query('id'))
    return c.json(detailOf(index.summary(entry), jobs?.isHere(entry.folder) ?? false))
  })
  app.get('/api/sweeps', (c) => c.json(sweeps.list()))
  app.get('/api/sweep', (c) => {
    const id = c.req.query('id') ?? ''
    const detail = sweeps.detail(id) ?? missing(`there is no sweep ${id}`)
    return c.json({ ...detail, stoppable: jobs?.isHere(id) ?? false } satisfies SweepDetail)
  })
  app.get('/api/report', async (c) => {
    const id = c.req.query('id') ?? ''
    if (!sweeps.has(id)) missing(`there is no sweep ${id}`)
    return c.json(await reports.of(id))
  })
  app.get('/api/events', (c) => streamSSE(c, (stream) => tellChanges(stream, index, jobs)))

  app.get('/api/jobs', (c) => c.json({ jobs: allowed(jobs).list(), startable: allowed(jobs).startable() }))
  app.post('/api/start', async (c) => c.json(allowed(jobs).start(asked(startSchema, await sent(c)))))
  app.post('/api/resume', async (c) => {
    const { id } = asked(idSchema, await sent(c))
    return c.json(allowed(jobs).resume(entryOf(index, id)))
  })
  app.post('/api/stop', async (c) => {
    allowed(jobs).stop(asked(idSchema, await sent(c)).id)
    return c.json({})
  })

  app.get('*', (c) => {
    const path = c.req.path.endsWith('/') ? `${c.req.path}index.html` : c.req.path
    const file = files.get(path) ?? missing('there is nothing at this address')
    // The pages that compute bring a policy of their own.
    if (!path.startsWith('/playground/')) c.header('content-security-policy', POLICY)
    else for (const [name, value] of ISOLATED) c.header(name, value)
    return c.body(file.read(), 200, { 'content-type': file.type, 'cache-control': 'no-cache' })
  })
  app.onError((error, c) => {
    if (error instanceof Missing) return c.json({ error: error.message }, 404)
    if (error instanceof Forbidden) return c.json({ error: error.message }, 403)
    if (error instanceof UserError) return c.json({ error: error.message }, 400)
    console.error(error)
    return c.json({ error: `the studio failed: ${error.message}` }, 500)
  })
  return app
}

class Missing extends Error {}
class Forbidden extends Error {}

const idSchema = z.strictObject({ id: z.string() })

function missing(message: string): never {
  throw new Missing(message)
}

function entryOf(index: RunIndex, id = ''): Entry {
  return index.entries.get(id) ?? missing(`there is no run ${id}`)
}

function allowed(jobs: Jobs | undefined): Jobs {
  if (!jobs) throw new Forbidden('nothing is started or stopped from here: espalier studio --allow-run allows it')
  return jobs
}

const asked = <T>(schema: z.ZodType<T>, value: unknown): T =>
  checkSchema(schema, value, { source: 'the page', whole: 'request' })

/** What a page sends as JSON. Throws UserError where it is something else. */
async function sent(c: Context): Promise<unknown> {
  if (!c.req.header('content-type')?.startsWith('application/json'))
    throw new UserError('expected JSON, found another type of content')
  const text = await c.req.text()
  if (text.length > MOST_SENT) throw new UserError(`expected at most ${MOST_SENT} characters, found ${text.length}`)
  try {
    return JSON.parse(text)
  } catch {
    throw new UserError('expected JSON, found something else')
  }
}

/** Tells of changes until the page is gone. */
async function tellChanges(stream: SSEStreamingApi, index: RunIndex, jobs: Jobs | undefined): Promise<void> {
  const tell = (event: string, data: object) => void stream.writeSSE({ event, data: JSON.stringify(data) })
  const silence = [
    index.listen((change: Change) => tell('change', change)),
    ...(jobs ? [jobs.listen(() => tell('jobs', {}))] : []),
  ]
  stream.onAbort(() => {
    for (const end of silence) end()
  })
  tell('change', { counts: index.counts(), ids: [] } satisfies Change)
  while (!stream.aborted) {
    await stream.sleep(HEARTBEAT)
    tell('alive', {})
  }
}
