/** Streams that become one. */
export function Logo({ size = 22 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" strokeWidth="2.6" strokeLinecap="round">
        <path d="M8 7c0 6 8 5.5 8 12" />
        <path d="M24 7c0 6-8 5.500-8 12" />
        <path d="M16 7v18.500" />
      </g>
    </svg>
  )
}
