import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { openRedis } from '../../../src/sweep/queue/redis.ts'
import { UserError } from '../../../src/util/errors.ts'
import { espalier } from '../../cli/cli.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { writeTiny } from '../../experiment/tiny.ts'
import { isFull } from '../../support/breadth.ts'
import { freePort, hasRedis, RedisServer } from '../../support/redis-server.ts'

/** The sentence with which it is refused. */
async function refusal(url: string): Promise<string> {
  const error = await openRedis(url, () => {}).then(
    () => 'none',
    (error) => error,
  )
  expect(error).toBeInstanceOf(UserError)
  return error.message
}

/** The address of a server that answers as told. */
async function answering(answer: (text: string) => string): Promise<string> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (text) => socket.write(answer(String(text)))).on('error', () => {})
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server, 'listening')
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`
}

it('what is no address of a Redis', async () => {
  for (const [url, found] of [
    ['localhost:6379', 'localhost:6379'],
    ['http://localhost', 'http://localhost'],
    ['redis://', 'redis://'],
    ['', 'nothing'],
    ['http://me:se/cr@et@host', 'http://…@host'],
    [':secret@host', '…@host'],
  ])
    expect(await refusal(url)).toBe(`--redis: expected an address such as redis://:password@host:6379, found ${found}`)
})

it('unreachable, by both commands, with status 1', { timeout: 60_000 }, async () => {
  const port = await freePort()
  const url = `redis://:secret@127.0.0.1:${port}`
  const folder = temporaryFolder()
  const sweep = `${folder}/sweep.yaml`
  writeTiny(folder)
  writeFileSync(sweep, 'name: s\nrecipe: tiny.yaml\ngrid: { seed: [0] }\n')
  for (const args of [['worker'], ['sweep', sweep, '--out', `${folder}/out`]])
    expect(await espalier([...args, '--redis', url])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `espalier: cannot use Redis at 127.0.0.1:${port}: nothing listens there\n`,
    })
})

it('too old', async () => {
  const info = 'redis_version:3.2.1\r\n'
  const url = await answering((text) =>
    text
      .split('*')
      .slice(1)
      .map((command) => (/info/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n'))
      .join(''),
  )
  expect(await refusal(url)).toMatch(/^Redis at 127\.0\.0\.1:\d+ is version 3\.2\.1; expected 6\.2 or later$/)
})

it('something else answers', { timeout: 30_000 }, async () => {
  const web = await answering(() => 'HTTP/1.1 400 Bad Request\r\n\r\n')
  expect(await refusal(web)).toMatch(/what answers there is not Redis$/)
})

it.runIf(isFull)('nothing answers', { timeout: 30_000 }, async () => {
  const silent = await answering(() => '')
  expect(await refusal(silent)).toMatch(/no answer within 5 s$/)
})

it.skipIf(!hasRedis)('a wrong password, or none; never shown', async () => {
  const server = await RedisServer.start('right')
  onTestFinished(() => server.remove())
  expect(await refusal(server.urlWith('wrong'))).toMatch(/^Redis at \S+ refused the password or user name$/)
  expect(await refusal(server.urlWith(''))).toMatch(/expects a password: redis:\/\/:password@/)
  const redis = await openRedis(server.url, () => {})
  expect(await redis.ping()).toBe('PONG')
  redis.disconnect()
})
