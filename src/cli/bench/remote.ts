/** @file A contender in a process of its own, as the process that compares them sees it. */
import { type ChildProcess, fork } from 'node:child_process'
import { dirname, join } from 'node:path'
import { UserError } from '../../util/errors.ts'
import { commandFile } from '../../util/package.ts'
import type { Answer, ContenderSpec, Opened, Request } from './contender.ts'

export class Remote {
  readonly #child: ChildProcess
  /** The end of what it has written to its standard error. */
  #errors = ''

  private constructor() {
    const program = join(dirname(commandFile()), 'bench-contender.js')
    this.#child = fork(program, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4096)
    })
  }

  /** Starts a process and opens a contender in it. Throws UserError where it does not open. */
  static async open(spec: ContenderSpec): Promise<{ remote: Remote; opened: Opened }> {
    const remote = new Remote()
    try {
      return {
        remote,
        opened: await remote.#ask({ ask: 'open', spec }, (answer) => 'opened' in answer && answer.opened),
      }
    } catch (error) {
      remote.end()
      throw error
    }
  }

  /** Milliseconds per run over a block of runs. */
  block = (): Promise<number> => this.#ask({ ask: 'block' }, (answer) => 'block' in answer && answer.block)

  /** The most memory that its process has taken: bytes. */
  peak = (): Promise<number> => this.#ask({ ask: 'peak' }, (answer) => 'peak' in answer && answer.peak)

  end(): void {
    this.#child.kill('SIGKILL')
  }

  /** One question at a time. */
  #ask<T>(request: Request, read: (answer: Answer) => T | false): Promise<T> {
    const child = this.#child
    return new Promise<T>((resolve, reject) => {
      const settle = (what: () => void) => {
        child.off('message', heard).off('exit', left)
        what()
      }
      const heard = (answer: Answer) =>
        settle(() => {
          const value = read(answer)
          if ('problem' in answer) reject(new UserError(answer.problem))
          else if (value === false) reject(new Error(`a contender gave no answer to ${request.ask}`))
          else resolve(value)
        })
      const left = (code: number | null, signal: string | null) =>
        settle(() => {
          const said = this.#errors.trim().split('\n').at(-1)
          reject(new UserError(`the process of a contender ended with ${signal ?? code}${said ? `: ${said}` : ''}`))
        })
      child.on('message', heard).on('exit', left)
      child.send(request)
    })
  }
}
