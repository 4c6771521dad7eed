"""What a policy looked at: integrated gradients of any network, and the attention of transformers."""
