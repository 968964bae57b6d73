/** @file Where the figures of a report come from: dates, machines, versions and the command of the report. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../experiment/run/environment.ts'
import { FILES } from '../experiment/run/folder.ts'
import { listed } from './notes.ts'
import type { ReportedRun } from './run.ts'

/** A fact by its name, such as the machine. */
export type Fact = readonly [name: string, text: string]

/** What the runs say of their beginnings; a file that is gone or damaged says nothing. */
export function originOf(runs: readonly ReportedRun[], { command, date }: { command: string; date: Date }): Fact[] {
  const environments = runs.map(({ folder }) => environmentIn(folder))
  const all = (of: (environment: Partial<Environment>) => string | undefined) =>
    listed([...new Set(environments.flatMap((environment) => of(environment) ?? []))])
  const started = environments.flatMap((environment) => environment.started?.slice(0, 10) ?? []).sort()
  const days = [...new Set([started[0], started.at(-1)])].filter(Boolean).join(' to ')
  const facts: Fact[] = [
    ['Runs began', days],
    ['Machine', all(({ processor, processors }) => processor && `${processor}, ${processors} processors`)],
    ['System', all(({ system }) => system)],
    ['Engine', all(({ engine }) => engine)],
    ['Versions', all(({ espalier, node }) => espalier && `Espalier ${espalier} on Node ${node?.replace(/^v/, '')}`)],
    ['Report', `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ['Command', command],
  ]
  return facts.filter(([, text]) => text)
}

function environmentIn(folder: string): Partial<Environment> {
  try {
    return JSON.parse(readFileSync(join(folder, FILES.environment), 'utf8'))
  } catch {
    return {}
  }
}
