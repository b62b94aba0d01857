"""Which objects of an image are alike, by what the network keeps of them.

Kirillov et al. 2023, "Segment Anything", figure 17 and appendix D.
"""
