export const words = {
  lead: '干活的智能体。新建与编辑将在后续版本加入，目前可通过 API 完成。',
  none: '还没有智能体。可用 POST /agents 创建。',
  status: { running: '运行中', stopped: '已停止', draining: '收尾中', failed: '出错了' },
  start: '启动',
  stop: '停止',
  registered: '可作为工具',
  registeredHelp: '已在网关注册，其他智能体可以调用它',
  load: '{{running}} 个进行中，{{queued}} 个排队',
  replicas: '{{n}} 个副本',
  tools: '{{n}} 个工具',
};
