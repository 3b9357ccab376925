/**
 * Runs in the reader's browser behind ECharts: draws every chart again from its option, so that it answers to a pointer and
 * fits the width that there is. The drawing that came with the page stays for print, and for readers without scripts.
 */
export const PAGE_SCRIPT = `
const root = document.documentElement
const dark = matchMedia('(prefers-color-scheme: dark)')
const colours = () => {
  const style = getComputedStyle(root)
  return (key, value) => {
    const name = /colou?r$/i.test(key) && typeof value === 'string' ? /^var\\((--[\\w-]+)\\)$/.exec(value) : null
    return name === null ? value : style.getPropertyValue(name[1]).trim()
  }
}
const line = (parent, text, bold) => {
  const element = parent.appendChild(document.createElement('div'))
  if (bold) element.style.fontWeight = '600'
  element.append(text)
  return element
}
const tip = (params) => {
  const all = [params].flat().filter(({ data }) => data?.text !== undefined)
  const box = document.createElement('div')
  box.className = 'tip'
  if (all.length > 0) line(box, all[0].data.at, true)
  for (const { data, color, borderColor } of all) {
    const row = line(box, ' ' + data.who + ': ' + data.text)
    const dot = document.createElement('span')
    dot.textContent = '●'
    dot.style.color = borderColor ?? color
    row.prepend(dot)
  }
  return box
}
function draw(figure, chart, text) {
  const style = getComputedStyle(root)
  const option = JSON.parse(text, colours())
  const look = {
    confine: true,
    backgroundColor: style.getPropertyValue('--paper'),
    borderColor: style.getPropertyValue('--rule'),
    textStyle: { color: style.getPropertyValue('--ink'), fontSize: 13 },
  }
  chart.setOption({ ...option, tooltip: { ...option.tooltip, ...look, formatter: tip } }, true)
}
for (const figure of document.querySelectorAll('.chart')) {
  const data = figure.querySelector('script')
  if (data === null) continue
  const live = figure.appendChild(document.createElement('div'))
  live.className = 'live'
  live.style.height = figure.dataset.height + 'px'
  figure.classList.add('is-live')
  try {
    const chart = echarts.init(live, null, { renderer: 'svg' })
    draw(figure, chart, data.textContent)
    new ResizeObserver(() => { if (live.clientWidth > 0) chart.resize() }).observe(figure)
    dark.addEventListener('change', () => draw(figure, chart, data.textContent))
  } catch (error) {
    figure.classList.remove('is-live')
    live.remove()
  }
}
`
