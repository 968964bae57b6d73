/**
 * @file All ways to rewire a sparse network while it trains, by name. A new one is a file beside this one and
 * an entry here.
 */
import { checkNumber, checkPositive, checkWhole } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { deepR } from './deepr.ts'
import { dsr } from './dsr.ts'
import type { Rewiring } from './rewiring.ts'
import { rigl } from './rigl.ts'
import { set, setMagnitude } from './set.ts'
import { snfs } from './snfs.ts'

/** What methods are made with. */
export interface RewiringSettings {
  seed: number
  moves: number
  tolerance?: number
  threshold?: number
  faithful?: boolean
  fraction?: number
  temperature(step: number): number
  eta?: number
}

export interface RewiringMethod {
  summary: string
  /** Settings that it must be given, and those that it may be given. */
  needs?: readonly string[]
  takes?: readonly string[]
  /** Whether it looks at dense gradients: of a mini-batch at events, or smoothed over all steps. */
  gradients?: 'batch' | 'smoothed'
  /** Whether it moves single weights only, not runs of them. */
  weightsOnly?: boolean
  /** Whether there is an event after every step. */
  everyStep?: boolean
  make(settings: RewiringSettings): Rewiring
}

const known = {
  dsr: {
    summary: 'dynamic sparse reparameterization: one threshold, weights go where weights stay (Mostafa & Wang 2019)',
    needs: ['moves'],
    takes: ['tolerance', 'threshold', 'faithful'],
    make: dsr,
  },
  set: {
    summary: 'smallest positive and negative weights of every tensor, regrown at random (Mocanu et al. 2018)',
    takes: ['fraction'],
    make: set,
  },
  'set-magnitude': {
    summary: 'SET as the code of DSR has it: smallest |w| of every tensor, regrown at random',
    takes: ['fraction'],
    make: setMagnitude,
  },
  deepr: {
    summary: 'fixed signs, a random walk, lost weights regrown anywhere, at every step (Bellec et al. 2018)',
    takes: ['temperature', 'eta'],
    everyStep: true,
    weightsOnly: true,
    make: deepR,
  },
  rigl: {
    summary: 'smallest |w| of every tensor, regrown at the largest gradients (Evci et al. 2020)',
    takes: ['fraction'],
    gradients: 'batch',
    make: rigl,
  },
  snfs: {
    summary: 'smallest |w| of every tensor, regrown by the momentum of dense gradients (Dettmers & Zettlemoyer 2019)',
    takes: ['fraction'],
    gradients: 'smoothed',
    make: snfs,
  },
} satisfies Record<string, RewiringMethod>

export type RewiringName = keyof typeof known

/** Throws UserError where a method is made with values that it cannot have. */
function checkSettings({ seed, moves, fraction, tolerance, threshold, eta, temperature }: RewiringSettings): void {
  for (const [name, value] of Object.entries({ seed, moves })) checkWhole(name, value ?? null, 0)
  checkNumber('fraction', fraction, 'a share from 0 to 1', (x) => x >= 0 && x <= 1)
  for (const [name, value] of Object.entries({ tolerance, threshold, eta })) checkPositive(name, value)
  if (typeof temperature !== 'function') throw new UserError(`temperature: expected a function, found ${temperature}`)
}

const checked = (method: RewiringMethod): RewiringMethod => ({
  ...method,
  make(settings) {
    checkSettings(settings)
    return method.make(settings)
  },
})

export const rewirings = Object.fromEntries(
  Object.entries(known).map(([name, method]) => [name, checked(method)]),
) as Readonly<Record<RewiringName, RewiringMethod>>
