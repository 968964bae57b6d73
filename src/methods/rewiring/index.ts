/**
 * @file All ways to rewire a sparse network while it trains, by name. A new one is a file beside this one and
 * an entry here.
 */

import { deepR } from './deepr.ts'
import { dsr } from './dsr.ts'
import { granet } from './granet.ts'
import type { RewiringMethod } from './rewiring.ts'
import { rigl } from './rigl.ts'
import { set, setMagnitude } from './set.ts'
import { snfs } from './snfs.ts'
import { srigl } from './srigl.ts'

export const rewirings = { dsr, set, 'set-magnitude': setMagnitude, deepr: deepR, rigl, snfs, granet, srigl }
export type RewiringName = keyof typeof rewirings

/** A rule by its name, as one whose settings may be any. */
export const rewiringOf = (name: RewiringName): RewiringMethod => rewirings[name] as RewiringMethod
