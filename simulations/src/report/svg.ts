/** ECharts without a browser: an option becomes the text of an SVG. */
import { BarChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { ChartOption, Sheet } from './chart.js'

use([
  BarChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  TitleComponent,
  SVGRenderer,
])

export interface Rendered {
  /** Unique on its page; letters, digits and hyphens. */
  readonly id: string
  /** What the chart shows, for those who cannot see it. Escaped already. */
  readonly label: string
}

/**
 * The same bytes for the same option. ECharts numbers its charts through the life of a process and adds rules for a pointer
 * that hovers; neither belongs into a file.
 */
export function renderSvg(
  { tooltip: _, ...option }: ChartOption,
  sheet: Sheet,
  { id, label }: Rendered,
): string {
  const { width, height } = sheet
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption(option)
    return chart
      .renderToSVGString({ useViewBox: true })
      .replace(/<style ?>.*?<\/style>\n?/s, '')
      .replaceAll(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
      .replaceAll(/(id="|url\(#)zr\d+-/g, `$1${id}-`)
      .replace(
        /^<svg[^>]*>/,
        `<svg viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${label}">`,
      )
  } finally {
    chart.dispose()
  }
}
