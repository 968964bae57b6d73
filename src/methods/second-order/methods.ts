/** @file The methods that prune by second derivatives of a trained network, by name. */
import { UserError } from '../../util/errors.ts'
import type { Method, NameOf } from '../method.ts'
import { type AskedComposition, type Composition, compose, knowsFlops, knowsTensors } from './composition.ts'
import { type SecondOrderMethod, secondOrderMethods } from './names.ts'
import { secondOrderSettings } from './settings.ts'
import { takesOf } from './takes.ts'

/** A method, with what is asked for in the place of its usual choices. */
const methodOf = (name: SecondOrderMethod, asked: AskedComposition = {}): Method => {
  const composition = compose(name, asked)
  return {
    summary: secondOrderMethods[name],
    section: 'secondOrder',
    settings: secondOrderSettings,
    takes: takesOf(name, composition),
    scopes: knowsTensors(composition) ? ['global', 'layerwise'] : ['global'],
    ranked: false,
    sparsities: knowsTensors(composition),
    flops: knowsFlops(composition),
    stored: false,
    prunable: 'published',
    onlyOnce: composition.start === 'masks',
    beside: besideOf(asked),
    with: (settings) => methodOf(name, settings),
    check: (settings, nameOf) => checkComposition(name, compose(name, settings), nameOf),
    async plan(settings, request) {
      const { secondOrderPlan } = await import('./plan.ts')
      return secondOrderPlan(name, secondOrderSettings.parse(settings), request)
    },
  }
}

/** What distinguishes a method from its usual choices, for messages: ` with search none`. */
function besideOf({ start, search, update }: AskedComposition): string | undefined {
  const said = Object.entries({ start, search, update }).filter(([, value]) => value !== undefined)
  return said.length === 0 ? undefined : ` with ${said.map(([key, value]) => `${key} ${value}`).join(' and ')}`
}

function checkComposition(name: SecondOrderMethod, { update }: Composition, nameOf: NameOf): void {
  if (name === 'kfac' && update === 'multiple')
    throw new UserError(
      `${nameOf('update')}: kfac has no inverse of the kept weights alone, expected none or single, found multiple`,
    )
}

export const secondOrder = {
  obd: methodOf('obd'),
  woodfisher: methodOf('woodfisher'),
  woodtaylor: methodOf('woodtaylor'),
  kfac: methodOf('kfac'),
  'cbs-select': methodOf('cbs-select'),
  'cbs-update': methodOf('cbs-update'),
  cbs: methodOf('cbs'),
  chita: methodOf('chita'),
  falcon: methodOf('falcon'),
}

/**
 * |w| with samples and counts as in the published code of second-order pruning: the control beside its
 * methods.
 */
export const faithfulMagnitude: Method = methodOf('magnitude')
