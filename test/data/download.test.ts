import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DownloadOptions, download } from '../../src/data/download.ts'
import type { DataProgress } from '../../src/data/progress.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { files, type Handler, serve } from './server.ts'

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i * 31) % 251)
const md5 = createHash('md5').update(content).digest('hex')

async function prepare(handler: Handler, have?: Uint8Array) {
  const server = await serve(handler)
  const path = join(temporaryFolder(), 'sub', 'file.gz')
  if (have) {
    mkdirSync(join(path, '..'))
    writeFileSync(`${path}.part`, have)
  }
  const file = { url: `${server.url}file.gz`, path, size: content.length, md5 }
  const fetched = (options?: DownloadOptions) => download(file, options)
  return { server, path, file, fetched }
}

const whole = (path: string) => {
  expect(readFileSync(path).equals(content)).toBe(true)
  expect(readdirSync(join(path, '..'))).toEqual(['file.gz'])
}

const normal = () => files({ '/file.gz': content })

it('fetches a file, and tells how far it has come', async () => {
  const { fetched, path, file } = await prepare(normal())
  const told: DataProgress[] = []
  await fetched({ onProgress: (progress) => told.push(progress) })
  whole(path)
  expect(told.at(-1)).toMatchObject({ what: file.url, unit: 'bytes', done: 300_000, total: 300_000, secondsLeft: 0 })
  expect(told.every(({ perSecond }) => perSecond > 0)).toBe(true)
})

it('a file that is there is not fetched again', async () => {
  const { fetched, server, path } = await prepare(normal())
  await fetched()
  await fetched()
  expect(server.requests).toHaveLength(1)
  whole(path)
})

it('a file that is there but is another one is refused, not removed', async () => {
  const { fetched, path, server } = await prepare(normal(), content)
  writeFileSync(path, 'mine')
  await expect(fetched()).rejects.toThrow(UserError)
  await expect(fetched()).rejects.toThrow(
    `${path} is not what was published as ${server.url}file.gz: its MD5 is ${createHash('md5').update('mine').digest('hex')}, expected ${md5}`,
  )
  expect(readFileSync(path, 'utf8')).toBe('mine')
  expect(server.requests).toEqual([])
})

describe('interrupted', () => {
  it('it keeps what it has, and goes on from there', async () => {
    const { fetched, server, path, file } = await prepare(files({ '/file.gz': content }, { breakAfter: 100_000 }))
    await expect(fetched()).rejects.toThrow(
      new UserError(`${file.url} broke off after 100000 of 300000 bytes: the same command goes on from there`),
    )
    expect(existsSync(path)).toBe(false)
    expect(statSync(`${path}.part`).size).toBe(100_000)
    const told: DataProgress[] = []
    await fetched({ onProgress: (progress) => told.push(progress) })
    expect(server.requests).toEqual(['/file.gz', '/file.gz bytes=100000-'])
    expect(told[0].done).toBeGreaterThan(100_000)
    whole(path)
  })

  it('a server without ranges sends all once more', async () => {
    const { fetched, server, path } = await prepare(
      files({ '/file.gz': content }, { ranges: false, breakAfter: 100_000 }),
    )
    await expect(fetched()).rejects.toThrow(/broke off after 100000 of 300000 bytes/)
    await fetched()
    expect(server.requests).toEqual(['/file.gz', '/file.gz bytes=100000-'])
    whole(path)
  })

  it('a server that answers with another range is asked for all', async () => {
    const handler: Handler = (request, response) => {
      if (request.headers.range) response.writeHead(206, { 'content-range': 'bytes 5-9/300000' }).end('other')
      else response.end(content)
    }
    const { fetched, server, path } = await prepare(handler, content.subarray(0, 1000))
    await fetched()
    expect(server.requests).toEqual(['/file.gz bytes=1000-', '/file.gz'])
    whole(path)
  })

  it('a server that refuses the range is asked for all', async () => {
    const handler: Handler = (request, response) => {
      if (request.headers.range) response.writeHead(416).end()
      else response.end(content)
    }
    const { fetched, path } = await prepare(handler, content.subarray(0, 1000))
    await fetched()
    whole(path)
  })

  it('after the last byte, only the checksum is left to do', async () => {
    const { fetched, server, path } = await prepare(normal(), content)
    await fetched()
    expect(server.requests).toEqual([])
    whole(path)
  })

  it('a part that is too long is begun anew', async () => {
    const { fetched, server, path } = await prepare(normal(), Buffer.concat([content, content]))
    await fetched()
    expect(server.requests).toEqual(['/file.gz'])
    whole(path)
  })

  it('an answer that simply ends early is an interruption too', async () => {
    const short: Handler = (_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' })
      response.end(content.subarray(0, 7))
    }
    const { fetched, path } = await prepare(short)
    await expect(fetched()).rejects.toThrow(/broke off after 7 of 300000 bytes/)
    expect(statSync(`${path}.part`).size).toBe(7)
  })
})

describe('refuses', () => {
  it('another content of the same size, and deletes it', async () => {
    const other = content.slice()
    other[5] ^= 1
    const { fetched, path, file } = await prepare(files({ '/file.gz': other }))
    await expect(fetched()).rejects.toThrow(
      new UserError(
        `what arrived is not what was published as ${file.url}: its MD5 is ${createHash('md5').update(other).digest('hex')}, expected ${md5} (it was deleted)`,
      ),
    )
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('a rest that does not belong to the beginning, and deletes both', async () => {
    const { fetched, path } = await prepare(normal(), new Uint8Array(1000))
    await expect(fetched()).rejects.toThrow(/its MD5 is .* \(it was deleted\)/)
    expect(readdirSync(join(path, '..'))).toEqual([])
    await fetched()
    whole(path)
  })

  it('more bytes than were published', async () => {
    const { fetched, path, file } = await prepare(files({ '/file.gz': Buffer.concat([content, content]) }))
    await expect(fetched()).rejects.toThrow(
      new UserError(`${file.url} is larger than the 300000 bytes that were published`),
    )
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('a missing file, and says what else can be done', async () => {
    const { fetched, file } = await prepare(files({}))
    await expect(fetched({ hint: 'put it there by hand' })).rejects.toThrow(
      new UserError(`${file.url} answered 404 Not Found, expected the file: put it there by hand`),
    )
    await expect(fetched()).rejects.toThrow(/expected the file$/)
  })

  it('a missing file keeps what had arrived', async () => {
    const { fetched, path } = await prepare(files({}), content.subarray(0, 10))
    await expect(fetched()).rejects.toThrow(/answered 404/)
    expect(statSync(`${path}.part`).size).toBe(10)
  })

  it('a server that is not there', async () => {
    const { file } = await prepare(normal())
    const gone = { ...file, url: 'http://127.0.0.1:9/file.gz' }
    await expect(download(gone, { hint: 'put it there by hand' })).rejects.toThrow(UserError)
    await expect(download(gone, { hint: 'put it there by hand' })).rejects.toThrow(
      /^cannot reach http:\/\/127\.0\.0\.1:9\/file\.gz \(.*\): put it there by hand$/,
    )
  })

  it('a folder that cannot be made', async () => {
    const { file } = await prepare(normal())
    const blocked = join(temporaryFolder(), 'file')
    writeFileSync(blocked, '')
    await expect(download({ ...file, path: join(blocked, 'file.gz') })).rejects.toThrow(
      `cannot write ${blocked}: it exists already`,
    )
  })
})
