/** @file A real redis-server on a free port, with append-only persistence in a folder of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needed } from './needed.ts'

export const hasRedis = needed(
  'redis-server',
  spawnSync('redis-server', ['--version']).status === 0,
  'apt-get install redis-server',
)

export class RedisServer {
  readonly #port: number
  readonly #password: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'espalier-redis-'))
  #process?: ChildProcess

  private constructor(port: number, password: string) {
    this.#port = port
    this.#password = password
  }

  static async start(password = ''): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), password)
    await server.start()
    return server
  }

  get url(): string {
    return this.urlWith(this.#password)
  }

  urlWith(password: string): string {
    return `redis://${password && `:${password}@`}127.0.0.1:${this.#port}`
  }

  /** On the data that the last one left. */
  async start(): Promise<void> {
    const options = { port: this.#port, bind: '127.0.0.1', dir: this.#folder, appendonly: 'yes' }
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    if (this.#password) flags.push('--requirepass', this.#password)
    const child = spawn('redis-server', [...flags, '--save', ''], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (text) => String(text).includes('Ready to accept connections') && resolve())
      child.on('exit', () => reject(new Error('redis-server ended before it was ready')))
    })
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const ended = once(this.#process!, 'exit')
    this.#process!.kill('SIGKILL')
    await ended
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true })
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
