import { StartRefused, readEnvironment } from './environment.js';

const refusal = (env: NodeJS.ProcessEnv): string => {
  try {
    readEnvironment(env);
  } catch (error) {
    if (error instanceof StartRefused) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
};

describe('the environment', () => {
  it('has defaults for everything', () => {
    const environment = readEnvironment({});
    expect(environment).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      bus: 'postgres',
      demo: 'first-run',
    });
    expect([...environment.roles]).toEqual(['api', 'relay', 'worker']);
    expect(environment.dataDir.endsWith('/.aos')).toBe(true);
  });

  it.each([
    ['PORT', '70000', 'a port number'],
    ['PORT', 'http', 'a port number'],
    ['HOST', 'a b', 'a host name'],
    ['DATABASE_URL', 'mysql://x/y', 'postgres://'],
    ['AOS_BUS', 'kafka://x', 'postgres'],
    ['AOS_BUS', 'nats://', 'nats://'],
    ['AOS_BUS', 'nats://127.0.0.1:4222', 'Set DATABASE_URL'],
    ['AOS_ROLES', 'api,boss', 'api, relay, worker'],
    ['AOS_OWNER_EMAIL', 'me', 'an e-mail address'],
    ['AOS_OWNER_PASSWORD', 'short', '12 to 1024'],
    ['AOS_MASTER_KEY', 'c2hvcnQ=', '32 bytes'],
    ['AOS_MASTER_KEY', 'not base64!', '32 bytes'],
    ['AOS_DEMO', 'maybe', 'first-run'],
    ['AOS_TRUSTED_PROXIES', 'proxy.internal', '10.0.0.0/8'],
    ['AOS_TRUSTED_PROXIES', '10.0.0.1,0.0.0.0/0', 'no range of all addresses'],
    ['AOS_ALLOW_ADDRESSES', '10.0.0.0/33', '203.0.113.7'],
    ['AOS_LOG_LEVEL', 'loud', 'debug'],
    ['CLICKHOUSE_URL', 'clickhouse://localhost:9000', 'http://user:password@host:8123/database'],
    ['CLICKHOUSE_URL', 'http://', 'http://user:password@host:8123/database'],
    ['CLICKHOUSE_URL', 'http://localhost:8123/a/b', 'without anything behind the database'],
    ['OTEL_SDK_DISABLED', 'maybe', 'true or false'],
    ['OTEL_TRACES_EXPORTER', 'zipkin', 'otlp or none'],
    ['OTEL_METRICS_EXPORTER', 'otlp,statsd', 'prometheus'],
    ['OTEL_LOGS_EXPORTER', 'file', 'console'],
    ['OTEL_TRACES_SAMPLER', 'sometimes', 'parentbased_traceidratio'],
    ['OTEL_TRACES_SAMPLER_ARG', '10%', 'from 0 to 1'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'from 0 to 1'],
    ['OTEL_PROPAGATORS', 'tracecontext,xray', 'baggage'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http', 'http/protobuf'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'GRPC', 'grpc'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector', 'http://localhost:4318'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://collector/', 'http://localhost:4318'],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', 'br', 'gzip or none'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'Bearer x', 'name=value'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a=1,b', 'name=value'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s', 'above 0'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0', 'above 0'],
    ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'many', 'a whole number'],
    ['OTEL_LOG_LEVEL', 'loud', 'verbose'],
    [
      'CLICKHOUSE_URL',
      'http://localhost:8123/?max_threads=1',
      'without anything behind the database',
    ],
  ])('refuses %s=%s and names what it takes', (name, value, takes) => {
    const message = refusal({ [name]: value });
    expect(message).toContain(name);
    expect(message).toContain(takes);
  });

  it('tells every fault at once', () => {
    expect(refusal({ PORT: 'x', AOS_DEMO: 'y' }).split('\n')).toHaveLength(2);
  });

  it('never repeats a password, a key or a URL that may hold one', () => {
    const message = refusal({
      AOS_OWNER_PASSWORD: 'hunter2',
      AOS_MASTER_KEY: 'c2VjcmV0',
      DATABASE_URL: 'mysql://u:hunter2@h/d',
      CLICKHOUSE_URL: 'tcp://u:hunter2@h/d',
    });
    expect(message).not.toMatch(/hunter2|c2VjcmV0/);
  });

  it.each([
    ['DATABASE_URL', 'mysql://u:hunter2@db:1/name?password=hunter2', '"mysql://…@db:1/…"'],
    ['DATABASE_URL', 'postgres//u:hunter2@db', '"…@db"'],
    ['AOS_BUS', 'kafka://broker', '"kafka://broker"'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'tcp://collector/v1/hunter2', '"tcp://collector/…"'],
    ['AOS_PUBLIC_URL', 'aos.example', '"aos.example"'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hunter2', 'set (7 characters)'],
  ])('tells of %s what it got without what may be secret in it', (name, value, told) => {
    const message = refusal({ [name]: value });
    expect(message).toContain(`${name} is ${told};`);
    expect(message).not.toContain('hunter2');
  });

  it('takes what OpenTelemetry takes, and leaves names that it does not know to it', () => {
    expect(() =>
      readEnvironment({
        OTEL_SDK_DISABLED: 'TRUE',
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_METRICS_EXPORTER: 'otlp, console',
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '.25',
        OTEL_PROPAGATORS: 'tracecontext,baggage',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/v1',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector:4317',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, x-y=1',
        OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test,service.version=1',
        OTEL_LOG_LEVEL: 'ERROR',
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '0',
        OTEL_EXPORTER_OTLP_COMPRESSION: '',
        OTEL_OF_A_LATER_VERSION: 'anything',
      }),
    ).not.toThrow();
  });

  it('refuses to split roles over the embedded database', () => {
    expect(refusal({ AOS_ROLES: 'api' })).toContain('DATABASE_URL');
    expect(readEnvironment({ AOS_ROLES: 'api', DATABASE_URL: 'postgres://h/d' }).roles.size).toBe(
      1,
    );
  });
});
