/**
 * Options of `trtllm-serve serve`: names, types and choices as tensorrt_llm/commands/serve.py of NVIDIA/TensorRT-LLM at 00209af (Apache-2.0) declares
 * them. Written by hand: the package is not on PyPI as a wheel.
 */
export const TRTLLM_OPTIONS = {
  version: "TensorRT-LLM 00209af",
  lines: `
--backend text pytorch|tensorrt|_autodeploy|trt
--chat_template text
--config,--extra_llm_api_options text
--context_parallel_size,--cp_size int
--custom_module_dirs text
--custom_tokenizer text
--disagg_cluster_uri text
--enable_chunked_prefill flag
--fail_fast_on_attention_window_too_large flag
--free_gpu_memory_fraction,--kv_cache_free_gpu_memory_fraction float
--gpus_per_node int
--help flag
--host text
--log_level text
--max_batch_size int
--max_beam_width int
--max_num_tokens int
--max_seq_len int
--media_io_kwargs text
--metadata_server_config_file text
--moe_cluster_parallel_size,--cluster_size int
--moe_expert_parallel_size,--ep_size int
--num_postprocess_workers int
--otlp_traces_endpoint text
--pipeline_parallel_size,--pp_size int
--port int
--reasoning_parser text
--revision text
--server_role text
--tensor_parallel_size,--tp_size int
--tokenizer text
--tool_parser text
--trust_remote_code flag
`,
};
