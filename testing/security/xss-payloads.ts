/** Texts that become a program where they are put into a page as they are. Each, when it runs, sets `data-owned` on the page. */
const RUN = "document.documentElement.setAttribute('data-owned',1)"
const CODES = [...RUN].map((character) => character.charCodeAt(0)).join(',')
const BASE64 = Buffer.from(RUN).toString('base64')

export const OWNED = 'data-owned'
export const PAYLOADS: readonly string[] = [
  `<script>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `--></script><script>${RUN}</script><!--`,
  `"><script>${RUN}</script>`,
  `'><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `</textarea><script>${RUN}</script>`,
  `</style><script>${RUN}</script>`,
  `]]><script>${RUN}</script>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `<SCRIPT SRC=data:text/javascript,${encodeURIComponent(RUN)}></SCRIPT>`,
  `<img src=x onerror=${RUN}>`,
  `<img src=x onerror="eval(String.fromCharCode(${CODES}))">`,
  `<img src=x onerror=eval(atob('${BASE64}'))>`,
  `"><img src=x onerror=${RUN}>`,
  `' onmouseover='${RUN}' x='`,
  `" autofocus onfocus="${RUN}" x="`,
  `<svg onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<math><mtext></form><form><mglyph><style></math><img src onerror=${RUN}>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>">`,
  `<iframe src="javascript:parent.${RUN}">`,
  `<a href="javascript:${RUN}">x</a>`,
  `<body onload=${RUN}>`,
  `<details open ontoggle=${RUN}>`,
  `<video><source onerror=${RUN}></video>`,
  `<object data="javascript:${RUN}"></object>`,
  `<link rel=stylesheet href=x onerror=${RUN}>`,
  `<style>@import'x'</style><style onload=${RUN}></style>`,
  `<meta http-equiv=refresh content="0;url=javascript:${RUN}">`,
  `<base href=javascript:/x/><img src=x onerror=${RUN}>`,
  `{{constructor.constructor("${RUN}")()}}`,
  `\${${RUN}}`,
  `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`,
  `&lt;script&gt;${RUN}&lt;/script&gt;<img src=x onerror=&#x64;ocument.documentElement.setAttribute('data-owned',1)>`,
]
