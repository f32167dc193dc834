import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { TraceExportState } from '@aos/contracts';
import { SpanStore } from './span-store.js';
import { type Destination, TraceExport } from './trace-export.js';

export interface Telemetry {
  store: SpanStore;
  traces: TraceExport;
  /** Everything that has ended so far is in the table (and at the collector) when this returns. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Starts OpenTelemetry before anything else. Spans always go to our own table; they go to a collector as
 * well when the standard variables name one (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER=otlp,
 * OTEL_EXPORTER_OTLP_PROTOCOL, …), or else the settings; sampling follows OTEL_TRACES_SAMPLER. No loader hook is installed: http,
 * job, node, tool, model and database spans are made where the work is, which spares seconds of start-up.
 */
export function startTelemetry(env: NodeJS.ProcessEnv = process.env): Telemetry {
  env['OTEL_METRICS_EXPORTER'] ??= 'none';
  env['OTEL_LOGS_EXPORTER'] ??= 'none';
  env['OTEL_NODE_RESOURCE_DETECTORS'] ??= 'env,serviceinstance';
  const store = new SpanStore();
  const traces = tracesOf(env);
  const kept = new BatchSpanProcessor({
    exporter: store,
    scheduledDelayMillis: 500,
    maxQueueSize: 20_000,
    maxExportBatchSize: 500,
  });
  const sdk = new NodeSDK({
    serviceName: env['OTEL_SERVICE_NAME'] ?? 'aos',
    spanProcessors: [kept, traces],
    spanLimits: { attributeValueLengthLimit: 4096, attributeCountLimit: 64 },
  });
  sdk.start();
  return {
    store,
    traces,
    async flush() {
      await Promise.all([kept.forceFlush(), traces.forceFlush()]);
    },
    shutdown: () => sdk.shutdown(),
  };
}

/** As the variables say. What they leave open is for the settings. */
export function tracesOf(env: NodeJS.ProcessEnv): TraceExport {
  return new TraceExport({
    overrides: overridesOf(env),
    destination: collectorOf(env),
    timeoutMs: timeoutOf(env),
  });
}

/**
 * A place and a header that belong together are never mixed with those of the settings: a key of the environment would else go
 * to whatever address somebody saves. So whichever of these is set decides of all.
 */
const ofPlace = [
  'OTEL_TRACES_EXPORTER',
  ...['ENDPOINT', 'HEADERS', 'PROTOCOL'].flatMap((part) => [
    `OTEL_EXPORTER_OTLP_TRACES_${part}`,
    `OTEL_EXPORTER_OTLP_${part}`,
  ]),
];
const ofTime = ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'];
const paths: readonly (readonly [path: string, variables: readonly string[]])[] = [
  ['telemetry.endpoint', ofPlace],
  ['telemetry.protocol', ofPlace],
  ['telemetry.headers', ofPlace],
  ['telemetry.timeoutMs', [...ofPlace, ...ofTime]],
  ['telemetry.sampleRatio', ['OTEL_TRACES_SAMPLER']],
];

function overridesOf(env: NodeJS.ProcessEnv): TraceExportState['overrides'] {
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true';
  return paths.flatMap(([path, variables]) => {
    const variable = isOff ? 'OTEL_SDK_DISABLED' : variables.find((name) => env[name]);
    return variable ? [{ path, variable }] : [];
  });
}

function collectorOf(env: NodeJS.ProcessEnv): Destination | undefined {
  const isNamed = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const wanted = env['OTEL_TRACES_EXPORTER'] ?? (isNamed ? 'otlp' : 'none');
  if (wanted !== 'otlp') return undefined;
  return {
    host: hostOf(isNamed),
    exporter: exporterOf(env),
    timeoutMs: timeoutOf(env) ?? 10_000,
  };
}

const timeoutOf = (env: NodeJS.ProcessEnv) =>
  ofTime.map((name) => Number(env[name])).find((ms) => ms > 0);

function exporterOf(env: NodeJS.ProcessEnv): SpanExporter {
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  if (protocol === 'grpc') return new GrpcExporter();
  return protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
}

/** A collector's URL may hold a key in its path or a password before its host: neither is told. */
function hostOf(endpoint: string | undefined): string {
  if (!endpoint) return 'localhost';
  return URL.canParse(endpoint) ? new URL(endpoint).host || 'set' : 'set';
}
