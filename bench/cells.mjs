// Results of a long benchmark, cell by cell in a file, so that it can be interrupted: running again does what
// is missing.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

export class Cells {
  #file
  #done = new Map()

  /** A line per result. */
  constructor(file) {
    this.#file = file
    mkdirSync(dirname(file), { recursive: true })
    if (!existsSync(file)) return
    // A line cut off by a crash is a cell that is missing.
    for (const line of readFileSync(file, 'utf8').split('\n'))
      if (line.startsWith('{') && line.endsWith('}')) {
        const { key, ...result } = JSON.parse(line)
        this.#done.set(key, result)
      }
  }

  has(key) {
    return this.#done.has(key)
  }

  get(key) {
    return this.#done.get(key)
  }

  set(key, result) {
    this.#done.set(key, result)
    appendFileSync(this.#file, `${JSON.stringify({ key, ...result })}\n`)
  }
}
