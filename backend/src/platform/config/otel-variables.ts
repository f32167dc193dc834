import { z } from 'zod';

/**
 * OpenTelemetry passes over what it does not know, with a line in a log that is off, and traces that somebody counts on are then
 * missing. So the values that decide what happens are looked at here, as those of AOS are. Names that are not in the table,
 * of other languages or later versions, are left to OpenTelemetry.
 */
export const otelVariables: readonly {
  names: RegExp;
  takes: string;
  schema: z.ZodType<unknown>;
}[] = [
  { names: /^OTEL_SDK_DISABLED$/, ...oneOf(['true', 'false'], { inAnyCase: true }) },
  // AOS keeps its own copy of the traces; there is one way to send them elsewhere.
  { names: /^OTEL_TRACES_EXPORTER$/, ...oneOf(['otlp', 'none']) },
  { names: /^OTEL_METRICS_EXPORTER$/, ...listOf(['otlp', 'prometheus', 'console', 'none']) },
  { names: /^OTEL_LOGS_EXPORTER$/, ...listOf(['otlp', 'console', 'none']) },
  {
    names: /^OTEL_TRACES_SAMPLER$/,
    ...oneOf(
      ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [name, `parentbased_${name}`]),
    ),
  },
  {
    names: /^OTEL_TRACES_SAMPLER_ARG$/,
    takes: 'a number from 0 to 1',
    schema: z.string().refine((text) => /^\d*\.?\d+$/.test(text) && Number(text) <= 1),
  },
  {
    names: /^OTEL_PROPAGATORS$/,
    ...listOf(['tracecontext', 'baggage', 'b3', 'b3multi', 'jaeger', 'none']),
  },
  {
    names: /^OTEL_EXPORTER_OTLP_([A-Z]+_)?PROTOCOL$/,
    ...oneOf(['grpc', 'http/protobuf', 'http/json']),
  },
  {
    names: /^OTEL_EXPORTER_OTLP_([A-Z]+_)?ENDPOINT$/,
    takes: 'an http(s) URL such as http://localhost:4318, or host:port for the protocol grpc',
    schema: z.union([
      z.url({ protocol: /^https?$/, hostname: /./ }),
      z.string().regex(/^[\w.-]+:\d{1,5}$/),
    ]),
  },
  { names: /^OTEL_EXPORTER_OTLP_([A-Z]+_)?COMPRESSION$/, ...oneOf(['gzip', 'none']) },
  { names: /^OTEL_EXPORTER_OTLP_([A-Z]+_)?HEADERS$/, ...pairs() },
  { names: /^OTEL_RESOURCE_ATTRIBUTES$/, ...pairs() },
  {
    names: /^OTEL_(EXPORTER_OTLP_([A-Z]+_)?TIMEOUT|B(SP|LRP)_[A-Z_]+|METRIC_EXPORT_[A-Z]+)$/,
    takes: 'a whole number above 0',
    schema: z.string().regex(/^0*[1-9]\d{0,8}$/),
  },
  {
    names: /^OTEL_[A-Z_]+_LIMIT$/,
    takes: 'a whole number',
    schema: z.string().regex(/^\d{1,9}$/),
  },
  {
    names: /^OTEL_LOG_LEVEL$/,
    ...oneOf(['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'], { inAnyCase: true }),
  },
];

/** Whoever reads them holds them to the letter, but for `inAnyCase`. */
function oneOf(values: readonly string[], { inAnyCase = false } = {}) {
  return {
    takes: values.join(', ').replace(/, ([^,]*)$/, ' or $1'),
    schema: z.string().refine((text) => values.includes(inAnyCase ? text.toLowerCase() : text)),
  };
}

function listOf(values: readonly string[]) {
  const isListed = (text: string) => text.split(',').every((part) => values.includes(part.trim()));
  return {
    takes: `a comma-separated list of ${values.join(', ')}`,
    schema: z.string().refine(isListed),
  };
}

function pairs() {
  return {
    takes: 'name=value, with commas between several',
    schema: z.string().regex(/^\s*[^\s=,]+\s*=[^,]*(,\s*[^\s=,]+\s*=[^,]*)*,?\s*$/),
  };
}
