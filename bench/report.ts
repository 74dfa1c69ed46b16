import type { Samples } from './measure.ts'

/** The median of a round's own ratios: what two candidates did in the same minute. */
function ratio(samples: Samples, workload: string, name: string, to: string): number | undefined {
  const values = samples.get(workload)?.get(name)
  const base = samples.get(workload)?.get(to)
  if (!values || !base) return undefined
  return median(values.map((value, round) => value / (base[round] ?? Number.NaN)))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** A Markdown table: each candidate's median, and as a multiple of no audit, of bare and of each peer. */
export function markdown(
  samples: Samples,
  names: readonly string[],
  bases: readonly string[],
): string {
  const rows = [...samples].map(([workload, row]) => {
    const cells = names.map((name) => {
      const value = row.get(name)
      if (!value) return ''
      const ratios = bases
        .filter((base) => base !== name && Number.isFinite(ratio(samples, workload, name, base)))
        .map((base) => `${ratio(samples, workload, name, base)?.toFixed(2)}`)
      return `${show(median(value))}${ratios.length > 0 ? ` (${ratios.join(', ')})` : ''}`
    })
    return [workload, ...cells]
  })
  return table(['workload', ...names], rows)
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1)
}
