import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { SpanStore } from './span-store.js';

export interface Telemetry {
  store: SpanStore;
  /** Everything that has ended so far is in the table (and at the collector) when this returns. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Starts OpenTelemetry before anything else. Spans always go to our own table; they go to a collector as
 * well when the standard variables name one (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER=otlp,
 * OTEL_EXPORTER_OTLP_PROTOCOL, …); sampling follows OTEL_TRACES_SAMPLER. No loader hook is installed: http,
 * job, node, tool, model and database spans are made where the work is, which spares seconds of start-up.
 */
export function startTelemetry(env: NodeJS.ProcessEnv = process.env): Telemetry {
  env['OTEL_METRICS_EXPORTER'] ??= 'none';
  env['OTEL_LOGS_EXPORTER'] ??= 'none';
  env['OTEL_NODE_RESOURCE_DETECTORS'] ??= 'env,serviceinstance';
  const store = new SpanStore();
  const spanProcessors: SpanProcessor[] = [
    new BatchSpanProcessor({
      exporter: store,
      scheduledDelayMillis: 500,
      maxQueueSize: 20_000,
      maxExportBatchSize: 500,
    }),
  ];
  const collector = collectorExporter(env);
  if (collector) spanProcessors.push(new BatchSpanProcessor({ exporter: collector }));
  const sdk = new NodeSDK({
    serviceName: env['OTEL_SERVICE_NAME'] ?? 'aos',
    spanProcessors,
    spanLimits: { attributeValueLengthLimit: 4096, attributeCountLimit: 64 },
  });
  sdk.start();
  return {
    store,
    async flush() {
      await Promise.all(spanProcessors.map((processor) => processor.forceFlush()));
    },
    shutdown: () => sdk.shutdown(),
  };
}

function collectorExporter(env: NodeJS.ProcessEnv): SpanExporter | undefined {
  const isNamed = env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  const wanted = env['OTEL_TRACES_EXPORTER'] ?? (isNamed ? 'otlp' : 'none');
  if (wanted !== 'otlp') return undefined;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  if (protocol === 'grpc') return new GrpcExporter();
  return protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
}
