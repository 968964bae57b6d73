/** @file The studio's server: listens, and ends with all that it has begun. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createAdaptorServer } from '@hono/node-server'
import { UserError } from '../util/errors.ts'
import { studioApp } from './app.ts'
import { assets } from './assets.ts'
import { isLoopback } from './guard.ts'
import { Jobs, type JobsOptions } from './jobs.ts'
import { Reports } from './reports.ts'
import { RunIndex } from './run-index.ts'
import { Sweeps } from './sweeps.ts'

export interface StudioOptions {
  /** The folders that are watched, with all below them; they need not be there yet. */
  folders: readonly string[]
  host: string
  /** 0: any that is free. */
  port: number
  /** What starts commands; absent: none can be started. */
  jobs?: JobsOptions
  /** Default: a new one where the host is not the loopback address, or commands can be started; else none. */
  token?: string
}

export interface OpenStudio {
  /** What a browser opens, with the token where there is one. */
  address: string
  index: RunIndex
  /** How many commands that were started from the page go on. */
  running(): number
  /** Stops what was started, with checkpoints, and answers nothing any more. */
  end(): Promise<void>
}

/** Throws UserError where the port is in use, the host is none of this machine, or the page was not built. */
export async function openStudio(options: StudioOptions): Promise<OpenStudio> {
  const { folders, host, port } = options
  const files = assets()
  const index = new RunIndex(folders)
  const jobs = options.jobs && new Jobs(options.jobs)
  const guarded = !isLoopback(host) || jobs !== undefined
  const token = options.token ?? (guarded ? randomBytes(24).toString('base64url') : undefined)
  const parts = { folders, index, sweeps: new Sweeps(index), reports: new Reports(index), files, jobs }
  let found = () => {}
  const ready = new Promise<void>((resolve) => (found = resolve))
  const server = createAdaptorServer({ fetch: studioApp({ ...parts, token, ready }).fetch }) as Server
  // A port that cannot be had is told before thousands of folders are read.
  await listen(server, host, port)
  await index.begin()
  found()
  const { port: own } = server.address() as AddressInfo
  return {
    address: `http://${nameOf(host)}:${own}/${token === undefined ? '' : `?token=${token}`}`,
    index,
    running: () => jobs?.running ?? 0,
    async end() {
      index.end()
      server.close()
      server.closeAllConnections()
      await jobs?.end()
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new UserError(problemOf(error, host, port))))
    server.listen(port, host, resolve)
  })
}

function problemOf({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  if (code === 'EADDRINUSE')
    return `--port ${port}: expected a port of ${host} that is free, found one in use; --port 0 takes any that is free`
  if (code === 'EACCES') return `--port ${port}: expected a port that may be used, found one that needs permission`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `--host ${host}: expected an address of this machine, found another`
  return `cannot listen on port ${port} of ${host}: ${message}`
}

/** A host as an address has it; of all addresses one that others can reach. */
function nameOf(host: string): string {
  const all = host === '0.0.0.0' || host === '::'
  const outside = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const name = all
    ? (outside.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? 'localhost')
    : host
  return name.includes(':') ? `[${name}]` : name
}
