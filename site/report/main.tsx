/** @file The page of espalier report: shows the data that lie in the same file. */
import { render } from 'preact'
import type { ReportView } from '../../src/report/view.ts'
import { ReportBody } from '../views/report.tsx'

const report: ReportView = JSON.parse(document.getElementById('data')!.textContent!)
const main = document.querySelector('main')!
// The tables that are there without scripts make way for those that can be sorted.
main.replaceChildren()
render(<ReportBody report={report} />, main)
