"""The policy-value network and its learning."""
