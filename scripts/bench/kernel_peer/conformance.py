"""The Seep kernel against jupyter_kernel_test; run by scripts/bench/kernel."""
import unittest

import jupyter_kernel_test as jkt


class SeepKernelTests(jkt.KernelTests):
    kernel_name = "seep"
    language_name = "seep"
    file_extension = ".seep"
    code_hello_world = 'print("hello, world")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "[1, 2.5]", "result": "[1, 2.5]"},
        {"code": '"a" ', "result": '"a"'},
    ]
    code_display_data = [
        {"code": "show(rand(1, 16, 16))", "mime": "image/png"},
        {"code": "help(psnr)", "mime": "text/markdown"},
        {"code": 'show([rand(1, 16, 16)], titles: ["a"])', "mime": "text/html"},
    ]
    code_generate_error = "1 / 0"
    code_stderr = 'warn("careful")'
    completion_samples = [
        {"text": "repre", "matches": ["representation_mse"]},
        {"text": "clip(4, per", "matches": ["per:", "permutation", "permute"]},
        {"text": 'clip(4, per: "gl', "matches": ["global"]},
        {"text": 'dataset("d', "matches": ["digits"]},
    ]
    complete_code_samples = ["1 + 2", "fn f(x) { x + 1 }", "let a = [1,\n2]", "?psnr"]
    incomplete_code_samples = ["fn f(x) {", "let a = [1,", "1 +", 'print("a'[:-1] + "a\","]
    invalid_code_samples = ["let = 1", "1 + )"]
    code_page_something = "?psnr"
    code_inspect_sample = "psnr"
    code_clear_output = ":clear"
    code_history_pattern = "6 ? 7*"
    supported_history_operations = ("tail", "range", "search")


class SeepWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "seep"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main(verbosity=2)
