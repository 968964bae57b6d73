/** @file The work of espalier calibrate. */
import { basename } from 'node:path'
import { markdownTable } from 'markdown-table'
import { calibrate } from '../../calibrate/calibrate.ts'
import { checkCostsName, costsText } from '../../calibrate/cost-file.ts'
import { type CostTable, layerKinds, passes } from '../../engine/cost.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { UserError } from '../../util/errors.ts'
import { writeAtomically } from '../../util/files.ts'
import { LayerDisplay } from '../display/layer-progress.ts'
import { print, printJson } from '../display/output.ts'
import { checkOutput } from '../flags/output-file.ts'

export interface CalibrateFlags {
  out?: string
  name?: string
  milliseconds: number
  force?: boolean
  json?: boolean
}

export async function calibrateMachine({ out, name: given, milliseconds, force, json }: CalibrateFlags): Promise<void> {
  if (force && out === undefined) throw new UserError('--force needs -o with the file that it replaces')
  if (out !== undefined) checkOutput(out, { inputs: [], force })
  // Two threads would measure how well they share, too; the choice is the same for any number of them.
  const machine = await openMachine({ threads: 1 })
  if (machine.engine === 'reference')
    throw new UserError('calibrate measures kernels: expected the engine native or wasm, found reference')
  const name = given ?? (out === undefined ? machine.instructionSet : basename(out, '.json'))
  checkCostsName(given === undefined ? '-o' : '--name', name)
  const display = new LayerDisplay()
  let table: CostTable
  try {
    table = calibrate(machine, { name, milliseconds, onLayer: display.show })
  } finally {
    display.stop()
  }
  if (out !== undefined) writeAtomically(out, costsText(table))
  if (json) return printJson(table)
  print(`${name}: ${machine.description}, ${table.processor}\n`)
  print(costTable(table))
  print('\nnanoseconds per multiply-add and value moved, on dense and on sparse kernels; errors are those of the fit')
  if (out !== undefined) print(`\nwritten to ${out}; --costs ${out} uses it`)
}

function costTable({ costs }: CostTable): string {
  const rows = passes.flatMap((pass) =>
    layerKinds.map((kind) => {
      const { dense, sparse } = costs[pass][kind]
      const cells = [dense, sparse].flatMap(({ multiplyAdd, value, error }) => [
        multiplyAdd.toFixed(4),
        value.toFixed(3),
        error === undefined ? '' : `${Math.round(100 * error)} %`,
      ])
      return [pass, kind, ...cells]
    }),
  )
  const half = (name: string) => [name, 'value', 'error']
  const head = ['pass', 'layers', ...half('dense'), ...half('sparse')]
  return markdownTable([head, ...rows], { align: ['l', 'l', 'r', 'r', 'r', 'r', 'r', 'r'] })
}
