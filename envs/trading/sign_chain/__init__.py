"""Signs that persist, and a fee: when does it pay to follow?"""
